"""What the machine can do at most, measured with PyTorch: memory copies, matrix products, empty launches."""

import argparse
import json
import statistics
import time

import torch


def median_seconds(work, wait, repeats):
    """Median time of one call, after two calls that do not count."""
    times = []
    for attempt in range(repeats + 2):
        wait()
        start = time.perf_counter()
        work()
        wait()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="cuda", help="device as PyTorch names it")
    parser.add_argument("--tiny", action="store_true", help="small sizes, for a rehearsal")
    arguments = parser.parse_args()
    torch.backends.cuda.matmul.allow_tf32 = False
    device = torch.device(arguments.device)
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    repeats = 3 if arguments.tiny else 9
    size = 1 << (22 if arguments.tiny else 30)
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    seconds = median_seconds(lambda: target.copy_(source), wait, repeats)
    # A copy reads and writes every byte.
    ceilings = {"copy_tbs": 2 * size / seconds / 1e12, "bf16_tf": {}}
    for side in [256] if arguments.tiny else [2048, 4096, 8192]:
        a = torch.randn(side, side, device=device).to(torch.bfloat16)
        seconds = median_seconds(lambda: a @ a, wait, repeats)
        ceilings["bf16_tf"][str(side)] = 2 * side**3 / seconds / 1e12
    one, launches = torch.zeros(1, device=device), 1000
    seconds = median_seconds(lambda: [one.add_(1) for _ in range(launches)], wait, 3)
    ceilings["launch_us"] = seconds / launches * 1e6
    print(json.dumps(ceilings))


if __name__ == "__main__":
    main()
