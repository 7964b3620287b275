"""Says hello."""

import os

import click


@click.command()
@click.option("--name", default="you", help="Whom to greet.")
def main(name: str) -> None:
    """Say hello, and who does."""
    click.echo(f"Hello, {name}! I am user {os.getuid()}.")
