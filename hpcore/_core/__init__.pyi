from . import acquisition as acquisition
from . import bo as bo
from . import fidelity as fidelity
from . import gp as gp
from . import linalg as linalg
from . import records as records
from . import rng as rng
from . import samplers as samplers
from . import space as space
from . import tpe as tpe

__version__: str
