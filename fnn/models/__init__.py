"""Models, each a short file composed of layers."""

from fnn.models.bert import bert as bert
from fnn.models.encoder_decoder import encoder_decoder as encoder_decoder
from fnn.models.gpt import gpt as gpt
from fnn.models.lenet import lenet as lenet
from fnn.models.mlp import mlp as mlp
from fnn.models.resnet import resnet as resnet
from fnn.models.unet import unet as unet
from fnn.models.vit import vit as vit

__all__ = ["bert", "encoder_decoder", "gpt", "lenet", "mlp", "resnet", "unet", "vit"]
