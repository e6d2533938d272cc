"""Models, each a short file composed of layers."""

from fnn.models import adversarial as adversarial
from fnn.models import autoencoders as autoencoders
from fnn.models import boltzmann as boltzmann
from fnn.models import svm as svm
from fnn.models.autoencoders.deterministic import autoencoder as autoencoder
from fnn.models.autoencoders.tied import tied_autoencoder as tied_autoencoder
from fnn.models.autoencoders.variational import vae as vae
from fnn.models.bert import bert as bert
from fnn.models.boltzmann.general import boltzmann_machine as boltzmann_machine
from fnn.models.boltzmann.restricted import rbm as rbm
from fnn.models.encoder_decoder import encoder_decoder as encoder_decoder
from fnn.models.generation import generate as generate
from fnn.models.generation import sample_logits as sample_logits
from fnn.models.gpt import gpt as gpt
from fnn.models.lenet import lenet as lenet
from fnn.models.mlp import mlp as mlp
from fnn.models.resnet import resnet as resnet
from fnn.models.unet import unet as unet
from fnn.models.vit import vit as vit

__all__ = [
    "adversarial",
    "autoencoder",
    "autoencoders",
    "bert",
    "boltzmann",
    "boltzmann_machine",
    "encoder_decoder",
    "generate",
    "gpt",
    "lenet",
    "mlp",
    "rbm",
    "resnet",
    "sample_logits",
    "svm",
    "tied_autoencoder",
    "unet",
    "vae",
    "vit",
]
