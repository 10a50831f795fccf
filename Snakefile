# Exploring Convolutional Networks, reproduced.
#
#   snakemake --cores 4 --use-conda                   the paper, on official EMNIST
#   snakemake --cores 4 --configfile config/demo.yaml  the same on synthetic characters
#
# Data flows one way, and each stage has a file:
#   archive -> arrays and split -> runs -> test results, runtimes -> metrics
#           -> tables, figures, comparison, claims, readings -> notebook -> report
#   arrays and split, costs of layers on this machine -> lesson, on request

from snakemake.utils import min_version

min_version("9.0")


# config/config.yaml, and what the command line puts over it
include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/analysis.smk"
include: "workflow/rules/lesson.smk"
include: "workflow/rules/report.smk"


# Rules without an environment of their own run in that for analyses, and rules without a message
# show their docstring. A job of a cluster runs few of them side by side (workflow/profiles/slurm).
for job in workflow.rules:
    if job.shellcmd:
        job.conda_env = job.conda_env or ANALYSIS_ENV
        job.resources.setdefault("side_by_side", 1)
        job.message = job.message or job.docstring


report: "report/captions/overview.rst"


onstart:
    begin()


rule all:
    default_target: True
    input:
        rules.report.output,
        TABLES,
        FIGURES,
        rules.judge.output,
    message:
        f"Everything is there; the report is {rules.report.output.page}"


rule tables:
    input:
        TABLES,


rule figures:
    input:
        FIGURES,
