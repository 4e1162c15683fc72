"""Whether the runner of campaigns can be trusted: it resumes, and a sum finds whatever is wrong. PASS or FAIL a case."""
import contextlib
import io
import json
import os
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import plans  # noqa: E402
import runner  # noqa: E402
import verdict  # noqa: E402

COMMIT = "a" * 40
PROOF = {"scenario": "s", "rate": 1, "runs": 2, "lost": 0, "duplicated": 0, "contradicted": 0, "unknown": 0, "not_sent": 0,
         "refused": 0, "resumed_alive": 0, "clean": True, "told": {"sent": 9}, "steps": [{"first_ack_ms": 3.0}]}


class World:
    """A campaign of three units, each of which writes `proof` and a line into `done`; a folder for its results."""

    def __init__(self, folder, proof=None, code=0, demands=plans.no_demands):
        self.folder, self.out, self.done = folder, os.path.join(folder, "out"), os.path.join(folder, "done")
        self.proof, self.code, self.demands = dict(proof or PROOF), code, demands

    def units(self, _options):
        text = ("import sys; open(sys.argv[2], 'a').write(sys.argv[3] + '\\n'); "
                "open(sys.argv[1], 'w').write(sys.argv[4]); sys.exit(int(sys.argv[5]))")
        return [plans.Unit(name, lambda _, name=name: [sys.executable, "-c", text, "{json}", self.done, name,
                                                       json.dumps(self.proof), str(self.code)],
                           verdict.judge_drill(2), 1, "v") for name in ("one", "two", "three")]

    def run(self, *words, commits=(COMMIT,)):
        """(exit code, what was said)"""
        left = list(commits)
        campaign = plans.Campaign("fake", "for this check", self.units, self.demands, targets=())
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = runner.main(["fake", "--out", self.out, "--bin", self.folder, *words], [campaign],
                               lambda: left.pop(0) if len(left) > 1 else left[0])
        return code, said.getvalue()

    def ran(self):
        try:
            with open(self.done, encoding="utf-8") as file:
                return file.read().split()
        except OSError:
            return []

    def sum(self):
        return self.run("--sum", self.out)


def resumes(world):
    """What was done at this commit is not done again"""
    assert world.run("--part", "1/2")[0] == 0
    assert world.ran() == ["one", "three"]
    # As a campaign that was broken off before its last unit and before its part's file.
    os.remove(os.path.join(world.out, "units", COMMIT[:12], "fake", "three.json"))
    os.remove(runner.part_path(world.out, "fake", 1, 2))
    code, said = world.run("--part", "1/2")
    assert code == 0 and "1 of them done before" in said, said
    assert world.ran() == ["one", "three", "three"]


def begins_again_when_told(world):
    """With --resume none everything is done again"""
    world.run()
    world.run("--resume", "none")
    assert len(world.ran()) == 6


def another_commit_begins_again(world):
    """What was done at another commit does not count"""
    world.run()
    world.run(commits=("b" * 40,))
    assert len(world.ran()) == 6


def sums_parts(world):
    """All parts of one commit add up to a clean verdict"""
    for part in ("1/3", "2/3", "3/3"):
        assert world.run("--part", part)[0] == 0
    code, said = world.sum()
    assert code == 0 and "6 runs" in said, said
    with open(os.path.join(world.out, "fake.json"), encoding="utf-8") as file:
        total = json.load(file)
    assert total["clean"] and total["sums"]["v"]["runs"] == 6 and total["sums"]["v"]["first_ack_ms"]["count"] == 3


def missing_part(world):
    """A sum without one of the parts is not clean, and names it"""
    world.run("--part", "1/2")
    code, said = world.sum()
    assert code == 1 and "missing: part 2 of 2" in said, said


def no_part(world):
    """A sum of nothing is not clean"""
    os.makedirs(world.out)
    assert world.sum()[0] == 1


def missing_unit(world):
    """A part without one of its units is not clean"""
    world.run()
    path = runner.part_path(world.out, "fake", 1, 1)
    part = runner.read_json(path)
    part["units"] = part["units"][1:]
    runner.write_json(path, part)
    code, said = world.sum()
    assert code == 1 and "one is missing" in said, said


def two_commits(world):
    """Parts of two commits do not add up"""
    world.run("--part", "1/2")
    world.run("--part", "2/2", commits=("b" * 40,))
    code, said = world.sum()
    assert code == 1 and "different commits" in said, said


def dirty_tree(world):
    """A tree that differs from its commit is refused; run all the same, its sum is not clean"""
    code, said = world.run(commits=(COMMIT + "-dirty",))
    assert code == 2 and not world.ran(), said
    assert world.run("--allow-dirty", commits=(COMMIT + "-dirty",))[0] == 1
    assert len(world.ran()) == 3


def changed_on_the_way(world):
    """A tree that changes under a unit stops the campaign"""
    code, said = world.run(commits=(COMMIT, "b" * 40))
    assert code == 3 and "changed" in said, said
    assert not os.path.exists(runner.part_path(world.out, "fake", 1, 1))


def spoiled(change, code, word):
    def case(world):
        world.proof.update(change)
        world.code = code
        exit_code, said = world.run()
        assert exit_code == 1 and word in said and "NOT CLEAN" in said, said
        assert world.sum()[0] == 1
        # Neither does trying again make it clean.
        world.proof, world.code = dict(PROOF), 0
        assert world.run()[0] == 1
    return case


def demand_not_met(world):
    """What is demanded of all units together is looked for in the sum"""
    world.demands = lambda sums, _options: ["too little"] if sums["v"]["runs"] < 100 else []
    code, said = world.run()
    assert code == 1 and "too little" in said, said


def no_proof(world):
    """A unit without a result is not clean"""
    world.proof = None
    units = world.units
    world.units = lambda options: [plans.Unit(u.name, lambda _: [sys.executable, "-c", ""], u.judge, 1, "v")
                                   for u in units(options)]
    code, said = world.run()
    assert code == 1 and "no proof" in said, said


def divides(_world):
    """Every campaign's parts hold every unit once, whatever the division"""
    for campaign in plans.CAMPAIGNS:
        options = runner.argparse.Namespace(bin="bin", count=None, duration=None)
        names = [u.name for u in campaign.units(options)]
        shared = sorted(u.name for u in campaign.units(options) if not u.every_part)
        assert len(set(names)) == len(names)
        for parts in (1, 2, 7):
            divided = [u.name for part in range(1, parts + 1)
                       for u in runner.units_of(campaign, options, part, parts) if not u.every_part]
            assert sorted(divided) == shared


def counts_seeds(world):
    """A simulation's line of totals must name the seeds that were asked for"""
    log = os.path.join(world.folder, "log")
    judge = verdict.judge_seeds(101, 50)
    for text, clean in (('x\n{"first_seed": 101, "seeds": 50}\n', True), ('{"first_seed": 1, "seeds": 50}\n', False),
                        ('{"first_seed": 101, "seeds": 49}\n', False), ("", False),
                        ('{"first_seed": 101, "seeds": 50, "failed": 1}\n', False)):
        with open(log, "w", encoding="utf-8") as file:
            file.write(text)
        assert (judge(0, "", log)[1] == []) == clean, text
    with open(log, "w", encoding="utf-8") as file:
        file.write('{"first_seed": 101, "seeds": 50}\n')
    assert judge(1, "", log)[1]


CASES = [resumes, begins_again_when_told, another_commit_begins_again, sums_parts, missing_part, no_part, missing_unit,
         two_commits, dirty_tree, changed_on_the_way, demand_not_met, no_proof, divides, counts_seeds]
for _name, _change, _code, _word in (
        ("an order lost", {"lost": 1, "clean": False}, 1, "lost 1"), ("a skipped drill", {"skipped": "no etcd"}, 0, "skipped"),
        ("too few runs", {"runs": 1}, 0, "1 runs of 2"), ("an exit code", {}, 1, "exit 1"),
        ("an unclean verdict", {"clean": False}, 0, "not clean")):
    _case = spoiled(_change, _code, _word)
    _case.__name__, _case.__doc__ = _name.replace(" ", "_"), f"A unit with {_name} makes part and sum not clean, and stays"
    CASES.append(_case)


def main():
    failed = 0
    for case in CASES:
        name = f"campaigns {case.__name__}: {case.__doc__}"
        with tempfile.TemporaryDirectory() as folder:
            try:
                case(World(folder))
                print(f"PASS {name}")
            except Exception as error:  # a case must not hide the others
                failed = 1
                print(f"FAIL {name}: {type(error).__name__} {error}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
