"""Resources against R4 and against profiles: what is wrong, where, in two languages."""

from kangshu.validate.invariants import faults_of
from kangshu.validate.profiles import Profile, Profiles, compile_profile, profiles
from kangshu.validate.validation import conforms, validate

__all__ = ["Profile", "Profiles", "compile_profile", "conforms", "faults_of", "profiles", "validate"]
