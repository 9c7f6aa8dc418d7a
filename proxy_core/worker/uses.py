"""What endpoints may ask for by name: the use cases, the caller, the worker's own facts."""

from typing import TypeAlias

from litestar.di import NamedDependency

from proxy_core.services.application import Application
from proxy_core.worker.access import Caller
from proxy_core.worker.facts import WorkerFacts

UseApp: TypeAlias = NamedDependency[Application]
UseCaller: TypeAlias = NamedDependency[Caller]
UseFacts: TypeAlias = NamedDependency[WorkerFacts]
