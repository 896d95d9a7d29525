import asyncio
import micropython

micropython.alloc_emergency_exception_buf(256)


def tick(t):
    asyncio.create_task(work(1))


async def consumer():
    pass
