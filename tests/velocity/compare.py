"""`compare.py COUNT TEMPLATES VELOCITY OURS`: the first COUNT templates that Velocity renders must come out alike."""
import base64
import itertools
import sys


def text(line):
    return line if line.startswith("!") else base64.b64decode(line).decode()


def main():
    count = int(sys.argv[1])
    lines = list(zip(*(open(path).read().splitlines() for path in sys.argv[2:]), strict=True))
    rendered = list(itertools.islice((line for line in lines if not line[1].startswith("!")), count))
    wrong = sorted((line for line in rendered if line[1] != line[2]), key=lambda line: len(line[0]))
    for template, velocity, ours in wrong[:10]:
        print(f"template {text(template)!r}\nvelocity {text(velocity)!r}\nours     {text(ours)!r}\n")
    refused = sum(line[1].startswith("!") for line in lines)
    print(f"{len(rendered) - len(wrong)} of {len(rendered)} alike ({refused} of {len(lines)} generated templates are refused by Velocity)")
    sys.exit(bool(wrong) or len(rendered) < count)


if __name__ == "__main__":
    main()
