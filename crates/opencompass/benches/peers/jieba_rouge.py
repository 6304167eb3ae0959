"""Pairs of Chinese texts a second by jieba 0.42.1 and rouge-chinese 1.0.3, as OpenCompass' JiebaRougeEvaluator calls them.

python3 crates/opencompass/benches/peers/jieba_rouge.py PAIRS.jsonl [ROUNDS]
"""
import json
import re
import sys
import time

import jieba
from rouge_chinese import Rouge


def general(text):
    text = re.sub(r'[^\w\s]', '', re.split(r'[\n.,]', text, maxsplit=1)[0])
    return re.sub(r'\s+', ' ', re.sub(r'\b(a|an|the)\b', '', text, flags=re.I)).strip()


def score(rows):
    predictions = [' '.join(jieba.cut(general(row['prediction']))) or '__PREDPLACEHOLDER__' for row in rows]
    references = [' '.join(jieba.cut(general(row['reference']))) or '__REFRPLACEHOLDER__' for row in rows]
    return Rouge().get_scores(predictions, references, avg=True)


with open(sys.argv[1], encoding='utf-8') as lines:
    ROWS = [json.loads(line) for line in lines]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 1
print({name: 100 * values['f'] for name, values in score(ROWS[:1000]).items()})
start = time.perf_counter()
for _ in range(ROUNDS):
    score(ROWS)
print(f'{ROUNDS * len(ROWS) / (time.perf_counter() - start):.0f} pairs/s')
