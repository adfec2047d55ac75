"""The project: one installation's reviewed files, compiled into a frozen whole and swapped whole."""

from interlock.orchestration.project.loader import load_project
from interlock.orchestration.project.project import Project
from interlock.orchestration.project.projects import Load, Projects, ProjectSecrets

__all__ = ["Load", "Project", "ProjectSecrets", "Projects", "load_project"]
