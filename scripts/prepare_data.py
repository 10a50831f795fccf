"""Read or draw the images, check and split them, and write arrays and provenance.

Writes images.npy, labels.npy, split.npz and, last, provenance.json. Example: prepare_data.py
--settings '{"source": "glyphs", "split": {"train": 9400, "validation": 2000, "test": 2000}}'
--output results/glyphs/data
"""

from convnets.config.settings import DataSettings, parse
from convnets.core.arguments import option_parser
from convnets.core.errors import run_script
from convnets.data.dataset import save_dataset
from convnets.data.prepare import prepare_dataset


def main() -> None:
    parser = option_parser(__doc__, "settings", output="folder to write to")
    text = "use this fraction of each part's images (default: 1, all)"
    parser.add_argument("--subset", type=float, default=1.0, metavar="FRACTION", help=text)
    arguments = parser.parse_args()
    settings = parse(DataSettings, arguments.settings, "--settings")
    save_dataset(prepare_dataset(settings, arguments.subset), arguments.output)


if __name__ == "__main__":
    run_script(main)
