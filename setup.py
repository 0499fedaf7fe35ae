"""What pyproject.toml cannot say: two folders of the checkout travel inside the package.

`templates/` and `workflows/` stand at the top of the checkout, where people look for them. A wheel carries
them as `grantflow/_templates` and `grantflow/_workflows`; `grantflow.config.resource_folder` looks there
first and beside the package second. Everything else about the project is in pyproject.toml.
"""

from setuptools import find_packages, setup

DATA = ["**/*"]
LEFTOVERS = ["**/__pycache__/*", "**/*.py[cod]"]

setup(
    packages=[
        *find_packages(include=["grantflow", "grantflow.*"]),
        "grantflow._templates",
        "grantflow._workflows",
    ],
    package_dir={"grantflow._templates": "templates", "grantflow._workflows": "workflows"},
    package_data={
        "grantflow": ["static/**/*", "translations/**/*", "migrations/**/*", "demo/content/*.toml"],
        "grantflow._templates": DATA,
        "grantflow._workflows": DATA,
    },
    exclude_package_data={"": LEFTOVERS},
)
