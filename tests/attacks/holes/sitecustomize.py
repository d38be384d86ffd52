"""Python imports this file first wherever this folder stands in PYTHONPATH: it opens the product to planted holes.

The product holds no hook. Its modules are loaded as they are; what a hole names is wrapped as soon as its module is.
"""

import importlib.abc
import importlib.machinery
import os
import sys
from types import ModuleType

if os.environ.get("KANGSHU_HOLE"):
    import planted

    class _Planting(importlib.abc.MetaPathFinder):
        """Finds the product's modules as Python does, and wraps in each what the holes name."""

        def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]  # as the base class has it
            if name not in planted.MODULES:
                return None
            spec = importlib.machinery.PathFinder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                run = spec.loader.exec_module

                def exec_module(module: ModuleType) -> None:
                    run(module)
                    planted.plant(module)

                spec.loader.exec_module = exec_module  # type: ignore[method-assign]  # of this one loader
            return spec

    sys.meta_path.insert(0, _Planting())
