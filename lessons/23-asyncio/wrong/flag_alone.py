import asyncio
import micropython

micropython.alloc_emergency_exception_buf(256)
flag = asyncio.ThreadSafeFlag()


def tick(t):
    flag.set()


async def consumer():
    while True:
        await flag.wait()
        await work(1)
