"""Hits as the terminal shows them: a table on stdout, what is honest to say of it on stderr."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.command import note
from core.types import Band, Check, Hit, Score
from search.answer import Answer, RerankReport, Total

COLOURS = {Band.HIGH: "green", Band.MEDIUM: "yellow", Band.LOW: "red"}
"""The same on every page of ours."""
_SIGNS = {True: "yes", False: "no", None: "unknown"}


def print_answer(answer: Answer, *, explain: bool) -> None:
    """The hits and how they came about."""
    if answer.hits:
        Console().print(_table(answer, explain=explain))
        if explain:
            Console().print("", *(_why(hit) for hit in answer.hits), sep="\n", soft_wrap=True)
    else:
        Console().print("Nothing found.")
    about = "" if answer.total.exact else "about "
    note(f"{about}{answer.total.value} products in {answer.took.total:.0f} ms; {judged_note(answer.rerank)}")
    if hidden := _hidden_note(answer.total):
        note(hidden)


def judged_note(report: RerankReport) -> str:
    """How the second stage went, in a sentence."""
    if report.status in ("skipped", "failed"):
        return f"not judged: {report.reason}"
    judged = f"judged {report.scored} of {report.of} by {report.model}"
    return f"{judged}: {report.reason}" if report.reason else judged


def _hidden_note(total: Total) -> str:
    if not total.hidden_below_band and not total.hidden_unjudged:
        return ""
    return f"not shown: {total.hidden_below_band} judged to be less, {total.hidden_unjudged} not judged"


def _table(answer: Answer, *, explain: bool) -> Table:
    judged = answer.rerank.scored > 0
    table = Table(box=None)
    for name in ("#", *(["recall"] if explain else [])):
        table.add_column(name, justify="right")
    for name in ("id", "title", "price", *(["relevance"] if judged else []), "similarity"):
        table.add_column(name)
    for hit in answer.hits:
        table.add_row(*_row(hit, judged=judged, explain=explain))
    return table


def _row(hit: Hit, *, judged: bool, explain: bool) -> list[str | Text]:
    candidate = hit.candidate
    product = candidate.product
    price = "" if product.price is None else f"{product.price:.2f} {product.currency or ''}".strip()
    # Text, not markup: a title in square brackets is a title.
    title = Text(product.title or next(iter(product.titles.values()), ""))
    row: list[str | Text] = [str(hit.rank), *([str(hit.recall_rank)] if explain else [])]
    row += [Text(product.id), title, Text(price)]
    if judged:
        row.append(_relevance(hit.score))
    return [*row, f"{candidate.similarity:.3f}"]


def _relevance(score: Score | None) -> Text:
    if score is None:
        return Text("not judged", style="dim")
    return Text(f"{score.relevance:.2f} {score.band}", style=COLOURS[score.band])


def _why(hit: Hit) -> Text:
    evidence = hit.candidate.evidence
    recall = (
        f"{hit.rank}. recall by {'+'.join(hit.candidate.channels)}: words {evidence.coverage:.2f}, "
        f"attributes {evidence.agreement:+.2f}, together {evidence.fused:.2f}"
    )
    return Text(recall if hit.score is None else f"{recall}\n   {_judgement(hit.score)}")


def _judgement(score: Score) -> str:
    by = f"judged by {'+'.join(score.basis)}" if score.basis else "judged"
    checks = ", ".join(_check(check) for check in score.checks)
    cut = "; the text was longer than what the judge reads" if score.cut else ""
    return f"{by}: {checks or f'{score.relevance:.2f}'}{cut}"


def _check(check: Check) -> str:
    sure = "" if check.holds is None else f" {check.confidence:.2f}"
    return f"{check.attribute} {check.wanted}: {_SIGNS[check.holds]}{sure}"
