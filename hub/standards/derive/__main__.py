import sys

from hub.standards.derive import main

main(sys.argv[1:])
