"""stub"""
from grantflow.engine.faults import Fault
def lint_mended(workflow, registry, file, mended):
    return []
def lint(workflow, registry, file=""):
    return []
