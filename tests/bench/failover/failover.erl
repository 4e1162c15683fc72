%% A name that fails over: `global` registers it where its owner lives, and another node registers it anew when that node is gone.
%% Three roles, a node each: `active` and `standby` serve the name (whoever has it), `client` calls it all the time.
-module(failover).
-export([serve/1, client/1]).

%% A node that serves: takes the name if nobody has it, else watches whoever does and takes it over.
serve([Peers]) ->
    connect(Peers),
    Watched = take(),
    io:format("ready~n"),
    loop(Watched).

take() ->
    case global:register_name(service, self()) of
        yes ->
            none;
        no ->
            case global:whereis_name(service) of
                undefined -> take();
                Pid -> erlang:monitor(process, Pid)
            end
    end.

%% A monitor across nodes fires when the connection ends, which for a killed process is at once.
loop(Watched) ->
    receive
        {'DOWN', Watched, process, _, _} ->
            loop(take());
        {call, From, Ref} ->
            From ! {answer, Ref, node()},
            loop(Watched)
    end.

connect(Peers) ->
    lists:foreach(fun(Peer) -> net_kernel:connect_node(list_to_atom(Peer)) end, string:tokens(Peers, ",")),
    ok = global:sync().

%% Calls the name, one call after the other, and prints a line whenever another node answers than before: the wall
%% clock in ns at which that call began and at which its answer came.
client([Peers]) ->
    connect(Peers),
    io:format("ready~n"),
    call(none).

call(Before) ->
    Begun = os:system_time(nanosecond),
    case global:whereis_name(service) of
        undefined ->
            pause(),
            call(Before);
        Pid ->
            Ref = erlang:monitor(process, Pid),
            Pid ! {call, self(), Ref},
            receive
                {answer, Ref, Before} ->
                    erlang:demonitor(Ref, [flush]),
                    pause(),
                    call(Before);
                {answer, Ref, Node} ->
                    erlang:demonitor(Ref, [flush]),
                    io:format("~s ~b ~b~n", [Node, Begun, os:system_time(nanosecond)]),
                    call(Node);
                {'DOWN', Ref, process, _, _} ->
                    pause(),
                    call(Before)
            end
    end.

pause() ->
    receive after 1 -> ok end.
