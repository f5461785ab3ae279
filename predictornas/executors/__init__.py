"""Where many tasks run: in this process, in several, or on a cluster; what they leave does not depend on it."""

from predictornas.executors.base import Executor, Task, Tell
from predictornas.executors.registry import get_executor

__all__ = ["Executor", "Task", "Tell", "get_executor"]
