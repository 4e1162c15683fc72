"""What all sides of the comparison share: ports, waiting, ending."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from cluster import NotUp, end, free_ports, wait_for  # noqa: E402,F401
