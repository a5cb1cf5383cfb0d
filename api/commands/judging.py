"""`lychee rerank`: the judge at the terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from api.judge_rendering import Use, ranking_body
from api.judge_schemas import EchoBody, RankingBody, ResultBody
from api.judging import document_of, file_picture, question, split_documents
from api.uploads import Uploads
from core.command import DataOption, JsonOption, note, print_json, settings_in_force
from core.errors import InvalidDocument, NoReranker
from core.picture_files import read_local, shown
from rerank.instructions import PRESETS, preset_of
from rerank.judgement import Document, Picture
from rerank.ranking import rank
from search.opening import open_reranker

COLOURS = {"high": "green", "medium": "yellow", "low": "red"}
SHOWN_CHARACTERS = 300
STDIN = Path("-")

_Given = tuple[Document, str | EchoBody]
"""A document, and how the answer repeats it."""


def rerank(  # noqa: PLR0913 one parameter an option
    query: Annotated[str, typer.Argument(help="What the documents must fit, in words.")] = "",
    query_image: Annotated[Path | None, typer.Option("--query-image", help="The same as a picture.")] = None,
    document: Annotated[
        list[str] | None, typer.Option("--document", help="A text to judge; more than once for more.")
    ] = None,
    image: Annotated[
        list[Path] | None, typer.Option("--image", help="A picture to judge; more than once for more.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="Texts to judge, with lines of --- between them; - is stdin."),
    ] = None,
    instruction: Annotated[
        str | None, typer.Option("--instruction", help="What the judge should weigh.")
    ] = None,
    preset: Annotated[str, typer.Option("--preset", help=f"{', '.join(PRESETS)}.")] = "default",
    top_n: Annotated[int | None, typer.Option("--top-n", min=1, help="Results to show, the best.")] = None,
    both_ways: Annotated[
        bool, typer.Option("--both-ways", help="Judge with the roles swapped, too.")
    ] = False,
    data: DataOption = None,
    as_json: JsonOption = False,
) -> int:
    """Judge how well texts and pictures fit a query, best first.

    Try:  lychee rerank "red shoe" --document "a red leather shoe" --document "a blue bag"   ·
    lychee rerank "red shoe" --file documents.txt --image photo.jpg
    """
    use = preset_of(preset)
    wanted = instruction or use.instruction
    asked = question(query, None if query_image is None else _picture(query_image), wanted)
    given = _given(document or [], image or [], file)
    reranker = open_reranker(settings_in_force(data))
    if reranker is None:
        raise NoReranker
    started = time.perf_counter()
    documents = [each for each, _ in given]
    ranking = rank(reranker, asked, documents, preset=use, both_ways=both_ways or None, top_n=top_n)
    took = Use(use, wanted, took_ms=1000 * (time.perf_counter() - started))
    body = ranking_body(ranking, [echo for _, echo in given], took)
    if as_json:
        print_json(body.model_dump(exclude_unset=True))
    else:
        _print_table(body)
    return int(body.scored == 0)


def _given(texts: Sequence[str], pictures: Sequence[Path], file: Path | None) -> list[_Given]:
    """The documents in the order that the answer counts them: texts, pictures, the file's."""
    from_file = [] if file is None else split_documents(_text_of(file))
    given: list[_Given] = [(_document(text, f"--document {text[:20]!r}"), text) for text in texts]
    given += [(Document(picture=_picture(path)), EchoBody(text="", image=shown(path))) for path in pictures]
    given += [(_document(text, f"document {at} of {file}"), text) for at, text in enumerate(from_file, 1)]
    if not given:
        raise InvalidDocument("nothing to judge", "name documents with --document, --image or --file")
    return given


def _document(text: str, where: str) -> Document:
    return document_of(text, where, Uploads())


def _picture(path: Path) -> Picture:
    """The picture of a file that must be there; whether it is a picture shows when it is judged."""
    return file_picture(read_local(path.name, path.parent), shown(path))


def _text_of(file: Path) -> str:
    try:
        return (sys.stdin.buffer.read() if file == STDIN else file.read_bytes()).decode("utf-8-sig")
    except OSError as error:
        raise InvalidDocument(str(file), (error.strerror or str(error)).lower()) from error
    except UnicodeDecodeError as error:
        raise InvalidDocument(str(file), f"it is not UTF-8 (at byte {error.start})") from error


def _print_table(body: RankingBody) -> None:
    columns = ["#", "score", "band"]
    extra = [name for name in ("score_reversed", "flagged") if name in body.results[0].model_fields_set]
    headings = {"score_reversed": "reversed", "flagged": "flagged"}
    table = Table(*columns, *(headings[name] for name in extra), "document", box=None)
    for rank_, result in enumerate(body.results, start=1):
        table.add_row(str(rank_), *_judged_cells(result, extra), _summary(result))
    Console().print(table)
    note(f"{body.scored} of {body.of} judged by {body.model} in {body.took_ms:.0f} ms")


def _judged_cells(result: ResultBody, extra: Sequence[str]) -> list[Text]:
    colour = COLOURS.get(result.band or "", "")
    cells = [Text(_number(result.score), colour), Text(result.band or "failed", colour)]
    if "score_reversed" in extra:
        cells.append(Text(_number(result.score_reversed)))
    if "flagged" in extra:
        cells.append(Text({True: "flagged", False: "", None: "?"}[result.flagged]))
    return cells


def _number(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def _summary(result: ResultBody) -> Text:
    """The document on one line; nothing in it can steer the terminal."""
    echo = result.document
    text = echo if isinstance(echo, str) else " ".join(str(part) for part in (echo.image, echo.text) if part)
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    line = line[:SHOWN_CHARACTERS] + "…" if len(line) > SHOWN_CHARACTERS else line
    return Text(f"{line} ({result.error})" if result.error else line)
