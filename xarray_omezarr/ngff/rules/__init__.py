"""Rules: what the standard demands of the attributes of a group, in plain Python.

Nothing here raises for what it reads: every fault becomes a `Finding`. Models are not
used, as what is measured may be anything; how versions differ stands in
`ngff.versions.dialects` (attributes) and `ngff.versions.demands` (what is stored).

Tools:

- `finding`, `report`: one fault, and all of a target.
- `spot`: a value with its place, and the questions asked of it; faults go to its log.
- `told`: which version a document is measured with; `versioned`: blocks that tell one.
- `sameness`, `plainness`: entries that are equal, values that are no JSON.
- `graph`: which systems are joined; `inside`: paths that stay in the hierarchy.
- `facts`, `stored`, `ome_xml`: what attributes, array documents and OME-XML say, for
  rules across nodes.

Rules for one document; `check` starts here:

- `multiscales`, with `axes`, `levels` and, in versions without systems, `datasets`.
- `systems` in versions that have them, with `transforms` (the form of transformations)
  and `dimensions` (whether they fit both ends); `scene`: several images in one space.
- `omero`, `labels` (label images and the lists of them), `plate` (wells too),
  `collection` (the layout of several images, and the list of them).

Rules across nodes, which who walks a hierarchy asks:

- `across`: levels with their image.
- `across_labels`: label images with the image they are of, and groups between.
- `across_plate`: wells and fields with their plate.
- `across_series`: images of a collection with its list and its OME-XML.
- `across_scene`, `across_sizes`: transformations with the systems that they name, and
  with their axes; `parameters`: with the matrices and fields that are stored.
- `one_file`: the archive that a hierarchy is in.
"""
