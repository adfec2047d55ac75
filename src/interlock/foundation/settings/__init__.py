"""What an installation is told: quantities, the settings of a project, and the environment it starts in."""
