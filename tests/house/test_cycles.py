"""No module needs itself, not even through others or inside a function; naming a type is no need."""

from __future__ import annotations

import grimp


def test_no_module_is_in_a_cycle() -> None:
    graph = grimp.build_graph("interlock", cache_dir=None, exclude_type_checking_imports=True)
    offenders = []
    for importer in sorted(graph.modules):
        for imported in sorted(graph.find_modules_directly_imported_by(importer)):
            back = graph.find_shortest_chain(importer=imported, imported=importer)
            if back is not None:
                offenders.append(" -> ".join([importer, *back]))
    assert not offenders
