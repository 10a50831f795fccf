# Snakemake runs this in the new environment. A pin file (README, "With conda") holds no packages
# of pip; those come from the environment file then.
if [ ! -f "$CONDA_PREFIX.yaml" ]; then
    sed -n 's/^ *- \(.*==.*\)/\1/p' envs/analysis.yaml | python -m pip install --requirement /dev/stdin
fi
