"""Findings as they are gathered: of documents, of attributes, of what is absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across import clause
from xarray_omezarr.ngff.rules.check import Checked, check_attributes
from xarray_omezarr.ngff.rules.facts import part
from xarray_omezarr.ngff.rules.finding import Finding, Severity, Strictness, seen
from xarray_omezarr.ngff.versions.demands import Demands, demands, same

if TYPE_CHECKING:
    from xarray_omezarr.store.walk import Node, Trouble
    from xarray_omezarr.validation.left_over import LeftOver

# Attributes of fields are often the same, so what was found is remembered.
_REMEMBERED = 256
_DOCUMENT = "write the metadata of the node again"
_UNVERSIONED = ("bioformats2raw", "labels", "series")


class Notes:
    """Everything that was found, and what is known of the hierarchy.

    Parameters
    ----------
    level : Strictness
        Whose demands count.
    left_over : LeftOver
        Looks for what interrupted writes left in groups.
    """

    def __init__(self, level: Strictness, left_over: LeftOver) -> None:
        self.level: Strictness = level
        self._left_over = left_over
        self.version: str | None = None
        # Collections and lists of labels tell none where there is no namespace, so
        # that of the first image counts.
        self.is_guessed = False
        self.zarr_format: int | None = None
        self.nodes = 0
        self._found: dict[Finding, None] = {}
        self._errors: dict[str, set[str]] = {}
        self._checked: dict[tuple[bytes, str | None], Checked] = {}

    @property
    def is_standard(self) -> bool:
        """Whether what the text says counts, not only schemas."""
        return self.level == "standard"

    @property
    def wanted(self) -> Demands:
        """What the version of the root demands; of an unknown one, of the newest."""
        from xarray_omezarr.ngff.versions import registry

        found = demands(self.version) or demands(registry.DEFAULT)
        assert found is not None
        return found

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All of them, by node; those of a node in the order that they were found."""
        return tuple(sorted(self._found, key=lambda one: one.path.split("/")))

    def add(self, findings: Iterable[Finding]) -> None:
        """Note findings, each once."""
        for finding in findings:
            self._found.setdefault(finding)
            if finding.severity == "error":
                self._errors.setdefault(finding.path, set()).add(finding.pointer)

    def has_error(self, path: str, pointer: str | None = None) -> bool:
        """Whether there is an error at a node, or at a place in its attributes."""
        found = self._errors.get(path, set())
        return bool(found) if pointer is None else pointer in found

    def troubles(self, path: str, troubles: Iterable[Trouble]) -> None:
        """Note what is wrong with documents of a node."""
        for trouble in troubles:
            severity: Severity = "error" if trouble.is_error else "warning"
            strength = "MUST" if trouble.is_error else "SHOULD"
            cited = f"Zarr: documents of nodes ({strength})"
            remedy = trouble.remedy or _DOCUMENT
            self.add([Finding(severity, path, "", trouble.message, cited, "", remedy)])

    def group(self, node: Node, *, needs_version: bool = True) -> Checked:
        """Note all about the documents and attributes of a group."""
        self.nodes += 1
        self.troubles(node.path, node.troubles)
        self.same_format(node)
        foreign = self.is_foreign(node)
        within = None if foreign else self.version
        key = node.key, within
        checked = self._checked.get(key)
        if checked is None:
            checked = check_attributes(node.attrs, self.level, within=within)
            if len(self._checked) >= _REMEMBERED:
                self._checked.clear()
            self._checked[key] = checked
        if self.is_standard:
            self.add(self._left_over.at(node))
        self.add(replace(one, path=node.path) for one in checked.findings)
        if self.is_standard and self.version is not None and checked.kind is not None:
            if not foreign:
                self._same_version(node, checked)
        return checked

    def is_foreign(self, node: Node) -> bool:
        """Whether a node is of another format of Zarr than the root.

        That is the fault, and of its own version it may be as it should be.
        """
        return bool(node.path) and node.zarr_format not in (None, self.zarr_format)

    def root(self, node: Node) -> Checked:
        """Note all about the group at the target, whose version is that of all."""
        checked = self.group(node)
        self.zarr_format, self.version = node.zarr_format, checked.version
        has_namespace = bool(part(node.attrs)[1])
        is_open = checked.kind in _UNVERSIONED and not has_namespace
        # Of a version that nobody knows, what is below may tell more.
        self.is_guessed = is_open or self.has_error("", "/ome/version")
        self.same_format(node)
        return checked

    def _same_version(self, node: Node, checked: Checked) -> None:
        if checked.version is None or same(checked.version, self.version):
            return
        if self.is_guessed:
            self.version, self.is_guessed = checked.version, False
            return
        severity = self.wanted.one_version
        self.add(
            [
                Finding(
                    severity,
                    node.path,
                    "",
                    f"the group is of version {checked.version}, and the hierarchy of "
                    f"{self.version}",
                    clause(
                        self.wanted, "storage: one version in a hierarchy", severity
                    ),
                    seen=checked.version,
                    remedy="write all groups in one version",
                )
            ]
        )

    def same_format(self, node: Node) -> None:
        """Note a node of another format of Zarr than the version has."""
        wanted = self.wanted
        if node.zarr_format in (None, wanted.zarr_format) or not self.is_standard:
            return
        if self.version is None or (node.path and self.zarr_format == node.zarr_format):
            # All is in the other format, which was said of the root.
            return
        self.add(
            [
                Finding(
                    "error",
                    node.path,
                    "",
                    f"it is Zarr v{node.zarr_format}, and OME-Zarr {self.version} is "
                    f"Zarr v{wanted.zarr_format}",
                    clause(wanted, "storage: format of Zarr", "error"),
                    seen=f"Zarr v{node.zarr_format}",
                    remedy=f"write all of it as Zarr v{wanted.zarr_format}",
                )
            ]
        )

    def refused(self, path: str, pointer: str, told: str, reason: str) -> None:
        """Note a path in metadata that is not followed."""
        if self.is_standard and not self.has_error(path, pointer):
            words = f"the path {seen(told)} is not followed: {reason}"
            cited = clause(self.wanted, "paths: relative, and leading down", "error")
            remedy = "give the path of a node below this group"
            self.add(
                [Finding("error", path, pointer, words, cited, seen(told), remedy)]
            )

    def absent(self, path: str, pointer: str, told: str, node: Node, what: str) -> None:
        """Note a node that metadata list, and that is not there or something else."""
        if not self.is_standard:
            return
        words = f"there is no {what} at {seen(told)}"
        if node.kind == "unreadable":
            self.troubles(node.path, node.troubles)
            words = f"what is at {seen(told)} does not tell that it is the {what}"
        elif node.kind != "absent":
            words = f"at {seen(told)} there is a Zarr {node.kind} instead of the {what}"
        cited = clause(self.wanted, f"paths: each {what} exists", "error")
        remedy = f"write the {what}, or take it off the list"
        self.add([Finding("error", path, pointer, words, cited, seen(told), remedy)])
