"""Verdicts as JUnit XML, which pipelines read: a test case an assumption."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as Xml

from sim.metrics.sequential import FAIL, UNDECIDED
from sim.report.assumption_words import NOTE, lines_of, statement
from sim.report.words import plain_text

if TYPE_CHECKING:
    from sim.experiments.check import Checked


def junit_bytes(checked: Checked) -> bytes:
    """One suite: ``failure`` for fail, ``skipped`` for undecided with its reason, ``error`` where runs failed.

    Parameters
    ----------
    checked : Checked

    Returns
    -------
    bytes
        XML in UTF-8. The same check on the same day gives the same bytes.
    """
    from sim.experiments.check import ERROR

    kinds = [v.verdict for v in checked.verdicts]
    name = checked.scenario.spec.name
    counts = {
        "tests": len(kinds),
        "failures": kinds.count(FAIL),
        "errors": kinds.count(ERROR),
        "skipped": kinds.count(UNDECIDED),
    }
    shown = {key: str(value) for key, value in counts.items()}
    suites = Xml.Element("testsuites", {"name": "shoal check", **shown})
    day = f"{checked.today.isoformat()}T00:00:00"
    suite = Xml.SubElement(suites, "testsuite", {"name": name, **shown, "time": "0", "timestamp": day})
    properties = Xml.SubElement(suite, "properties")
    for key, value in (("folder", checked.folder.name), ("joint", str(checked.joint).lower()), ("note", NOTE)):
        Xml.SubElement(properties, "property", {"name": key, "value": value})
    for v in checked.verdicts:
        case = Xml.SubElement(suite, "testcase", {"classname": f"shoal.{name}", "name": v.name, "time": "0"})
        if v.verdict == FAIL:
            found = Xml.SubElement(case, "failure", {"type": "assumption", "message": statement(v.about)})
            found.text = plain_text("\n".join(lines_of(v)))
        elif v.verdict == UNDECIDED:
            Xml.SubElement(case, "skipped", {"message": plain_text(f"undecided: {v.reason}")})
        elif v.verdict == ERROR:
            Xml.SubElement(case, "error", {"type": "run", "message": plain_text(v.reason)})
        Xml.SubElement(case, "system-out").text = plain_text("\n".join(lines_of(v)))
    Xml.indent(suites)
    return bytes(Xml.tostring(suites, encoding="utf-8", xml_declaration=True)) + b"\n"
