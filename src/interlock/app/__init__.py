"""The composition root: reads settings, builds every object and wires the ports; holds no logic of its own."""
