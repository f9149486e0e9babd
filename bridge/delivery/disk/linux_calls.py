"""Two Linux system calls that Python's `os` does not have. Both block."""

import ctypes
import errno
import os

_LIBC = ctypes.CDLL(None, use_errno=True)
_RENAME_NOREPLACE = 1
_UNSUPPORTED = {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL, errno.ENODEV}


def _function(*names: str) -> "ctypes._NamedFuncPointer | None":
    return next((found for name in names if (found := getattr(_LIBC, name, None))), None)


# musl's off_t always has 64 bits; glibc has a name of its own for that on 32-bit machines.
_FALLOCATE = _function("fallocate64", "fallocate")
_RENAMEAT2 = _function("renameat2")


def fallocate(fd: int, size: int) -> bool:
    """Reserve disk space for the first `size` bytes of a file and make it that long.

    Return False if the file system cannot do it; then nothing has changed. `os.posix_fallocate`
    would not say so: where the call is missing, glibc writes a byte into every block instead,
    which takes minutes for a large file on NFSv3, ntfs-3g or sshfs.

    Raises:
        OSError: the disk is full, or failed.
    """
    if _FALLOCATE is None:
        return False
    _FALLOCATE.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    while _FALLOCATE(fd, 0, 0, size) != 0:
        number = ctypes.get_errno()
        if number in _UNSUPPORTED:
            return False
        # A large allocation may be interrupted by a signal; it goes on where it was.
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))
    return True


def rename_exclusive(source_fd: int, source: str, target_fd: int, target: str) -> bool:
    """Rename between two open directories, if nothing has the new name.

    Return False if the kernel or the file system cannot do that in one step (NFS, some FUSE file
    systems); then nothing has changed.

    Raises:
        FileExistsError: something has the new name.
        OSError: anything else that `rename` may fail with.
    """
    if _RENAMEAT2 is None:
        return False
    _RENAMEAT2.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    )
    done = _RENAMEAT2(
        source_fd, os.fsencode(source), target_fd, os.fsencode(target), _RENAME_NOREPLACE
    )
    if done == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
        return False
    raise OSError(number, os.strerror(number), target)
