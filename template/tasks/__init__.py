"""The project's tasks: `inv --list` names them, `inv --help TASK` explains one."""

import sys
from importlib import import_module
from pkgutil import iter_modules

from invoke import Collection

# Invoke puts this folder itself on the import path, where tasks/secrets.py would stand before Python's own `secrets`.
sys.path[:] = [entry for entry in sys.path if entry not in __path__]

from ._lib import project, signals, variables  # noqa: E402

signals.end_in_order()
variables.settle()
# A wrong invoke.yaml ends here, in two lines: Invoke itself would read it next and end in a traceback.
project.load()

namespace = Collection()
for _found in iter_modules(__path__):
    if not _found.name.startswith("_") and not _found.ispkg:
        _module = import_module(f".{_found.name}", __name__)
        # A module's GROUP, named for a thing that you do several things to, stands in front: `inv db.migrate`.
        _group = getattr(_module, "GROUP", None)
        if _group and _group not in namespace.collections:
            namespace.add_collection(Collection(_group))
        _into = namespace.collections[_group] if _group else namespace
        for _task in Collection.from_module(_module).tasks.values():
            _into.add_task(_task, default=_task.is_default or None)
