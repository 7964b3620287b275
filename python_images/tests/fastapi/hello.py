"""An application that greets."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/hello/{name}")
def hello(name: str) -> dict[str, str]:
    """Greet by name."""
    return {"message": f"Hello, {name}!"}
