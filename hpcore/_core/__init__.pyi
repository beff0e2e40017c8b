from . import acquisition as acquisition
from . import gp as gp
from . import linalg as linalg
from . import rng as rng
from . import space as space

__version__: str
