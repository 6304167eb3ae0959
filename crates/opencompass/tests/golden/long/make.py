"""Makes the files of this folder: sources of our own, and the rows that OpenCompass 0.5.4 (Apache-2.0) makes from them.

    pip install tiktoken==0.14.0 numpy scipy
    python make.py OPENCOMPASS

OPENCOMPASS is the folder `opencompass` of the package's source. Of long prompts `rows.jsonl` has the sha256 only.
"""
import base64
import contextlib
import hashlib
import importlib.util
import io
import json
import os
import random
import shutil
import sys
import tempfile
import types
from collections import Counter

import regex
import tiktoken

HERE = os.path.dirname(os.path.abspath(__file__))
UPSTREAM = sys.argv[1]
PATTERN = (
    r"""'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s""")
rng = random.Random(20240326)


def write(name, text):
    """Writes a file of this folder."""
    with open(os.path.join(HERE, name), 'w', encoding='utf-8') as file:
        file.write(text)


def lines(rows):
    """Rows as JSON lines."""
    return ''.join(json.dumps(row, ensure_ascii=False) + '\n' for row in rows)


# Sources of our own.
SHIPS = ['brig', 'ketch', 'sloop', 'barge', 'ferry', 'yawl', 'dory', 'junk', 'lugger', 'tender']
PLACES = ['Norhaven', 'Eastquay', 'Limmer', 'Port Aran', 'Cold Reach', 'Sundal', 'Vessby', 'Orrin', 'Tarn', 'Mell']


def story(number):
    """A text of a few sentences."""
    parts = []
    for _ in range(rng.randint(3, 6)):
        ship, place = rng.choice(SHIPS), rng.choice(PLACES)
        parts.append(f"The {ship} left {place} at {rng.randint(1, 12)}:{rng.randint(10, 59)}. It's said she carried "
                     f'{rng.randint(2, 900)} crates;  nobody counted them!')
    return f'Log {number}\n\n' + ' '.join(parts) + '\n'


def chinese(number):
    """The same in Chinese."""
    parts = []
    for _ in range(rng.randint(3, 6)):
        parts.append(f'第{rng.randint(1, 99)}艘船从{rng.choice("东西南北")}港出发，载有{rng.randint(2, 900)}箱货物。没有人数过！')
    return f'日志{number}：' + ''.join(parts) + '\n'


def needle(number, language):
    """A hidden fact with its question."""
    place, gem = f'{PLACES[number % 10]}{number}', ['opal', 'jade', 'ruby', 'onyx', 'agate', 'pearl'][number % 6] + str(number)
    if language == 'English':
        return dict(needle=f'Hidden on {place} lies the {gem}.', arg1=place, arg2=gem, language=language,
                    retrieval_question=f"What lies hidden on {place}? Please answer in the format 'Hidden on {place} lies "
                                       "the ________.'")
    return dict(needle=f'隐藏在{place}岛上的是{gem}。', arg1=place, arg2=gem, language=language,
                retrieval_question=f"隐藏在{place}岛上的是什么？请按照'隐藏在{place}岛上的是________。'的格式回答。")


def derivation(number, language):
    """Relations with a question about all of them."""
    word = 'leads to' if language == 'en' else '通向'
    steps = [f'{PLACES[number + step]} {word} {PLACES[number + step + 1]}.' for step in range(2)]
    return dict(derivation_count=2, derivations=steps, question=f'Where does {PLACES[number]} end?',
                answer=PLACES[number + 2])


def word():
    """A made-up word."""
    return ''.join(rng.choice('bdfgklmnprst') + rng.choice('aeiou') for _ in range(rng.randint(1, 3)))


essays = [dict(text=story(number)) for number in range(10)]
zh = [dict(text=chinese(number)) for number in range(10)]
needles = [needle(number, language) for number in range(6) for language in ('English', 'Chinese')]
names = dict(English=','.join(f'Person {letter}' for letter in 'ABCDEFGHIJKLMNOP'),
             Chinese=','.join(f'张{letter}' for letter in '一二三四五六七八九十东西南北中'))
relations = {lang: [derivation(number, lang) for number in range(4)] for lang in ('en', 'zh')}
nouns = [word() for _ in range(40)] + ['well-pie', '']
adjectives = [word() for _ in range(12)] + ['well', 'well-made ', 'ad hoc']
verbs = [word() for _ in range(40)]
squad = dict(data=[dict(paragraphs=[
    dict(context=f'Pier {number} of {PLACES[article]} is {number + 2} steps long.',
         qas=[dict(question=f'How long is pier {number}?', is_impossible=number == 3,
                   answers=[dict(text=str(number + 2)), dict(text=f"it's {number + 2}")])])
    for number in range(7)]) for article in range(4)])
hotpot = [dict(question=f'Which ship is older, {number}?', answer=SHIPS[number],
               context=[[f'Ship {(3 * number + other) % 30}', ['Built', f' in 18{10 + (3 * number + other) % 30}.']]
                        for other in range(10)]) for number in range(7)]

write('essays.jsonl', lines(essays))
write('zh.jsonl', lines(zh))
write('needles.jsonl', lines(needles))
write('names.json', json.dumps(names, ensure_ascii=False, indent=1))
for language, rows in relations.items():
    write(f'relations_{language}.json', json.dumps(rows, ensure_ascii=False))
for name, words in [('nouns', nouns), ('adjectives', adjectives), ('verbs', verbs)]:
    write(f'{name}.txt', ''.join(f'{word}\n' for word in words))
write('squad.json', json.dumps(squad))
write('hotpot.json', json.dumps(hotpot))


def train(texts, size):
    """Byte-pair merges of the most frequent neighbors, the smaller bytes first."""
    ranks = {bytes([byte]): byte for byte in range(256)}
    pieces = Counter(piece for text in texts for piece in regex.findall(PATTERN, text))
    words = {piece: [bytes([byte]) for byte in piece.encode()] for piece in pieces}
    while len(ranks) < size:
        pairs = Counter()
        for piece, parts in words.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += pieces[piece]
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        ranks[b''.join(best)] = len(ranks)
        for piece, parts in words.items():
            merged, place = [], 0
            while place < len(parts):
                if tuple(parts[place:place + 2]) == best:
                    merged.append(b''.join(best))
                    place += 2
                else:
                    merged.append(parts[place])
                    place += 1
            words[piece] = merged
    return ranks


RANKS = train([row['text'] for row in essays + zh] + [row['retrieval_question'] for row in needles], 420)
write('vocabulary.tiktoken', ''.join(f'{base64.b64encode(token).decode()} {rank}\n' for token, rank in RANKS.items()))
ENCODING = tiktoken.Encoding('ours', pat_str=PATTERN, mergeable_ranks=RANKS, special_tokens={})
tiktoken.encoding_for_model = lambda model: ENCODING


# Upstream's modules, with everything that they import and do not need replaced.
class Anything:
    """Stands for registries and base classes."""

    def register_module(self, *_args, **_kwargs):
        return lambda item: item


class Dataset:
    """Columns as they are."""
    from_dict = staticmethod(lambda columns: [dict(zip(columns, row)) for row in zip(*columns.values())])
    from_list = staticmethod(list)


def module(name, **members):
    """Registers a module."""
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__dict__.update(members)


DATA = tempfile.mkdtemp()
LISTS = {'nounlist.txt': nouns, 'adjectivelist.txt': adjectives, 'verblist.txt': verbs}
module('datasets', Dataset=Dataset, DatasetDict=dict)
module('transformers', AutoTokenizer=None)
module('requests')
module('huggingface_hub', hf_hub_download=lambda repo_id, filename, repo_type: os.path.join(DATA, filename))
module('wonderwords', random_word=types.SimpleNamespace(
    _get_words_from_text_file=lambda name: [word.rstrip() for word in LISTS[name]]))
for parent in ['opencompass', 'opencompass.datasets', 'opencompass.datasets.needlebench', 'opencompass.datasets.needlebench_v2',
               'opencompass.datasets.ruler', 'opencompass.datasets.babilong']:
    module(parent, __path__=[])
module('opencompass.datasets.base', BaseDataset=object)
module('opencompass.openicl', BaseEvaluator=object)
module('opencompass.registry', **{name: Anything() for name in ['LOAD_DATASET', 'TEXT_POSTPROCESSORS', 'ICL_EVALUATORS']})
module('opencompass.utils', get_data_path=lambda path, local_mode=False: path)
module('opencompass.datasets.needlebench_v2.atc_elder_only', NeedleBenchATCEvaluator=None, clean_atc_answer=None,
       needlebench_atc_postprocess_v2=None)
module('opencompass.datasets.babilong.babilong_utils', compare_answers=None)


def upstream(path):
    """Loads a file of upstream."""
    name = 'opencompass.datasets.' + path.replace('/', '.')
    spec = importlib.util.spec_from_file_location(name, os.path.join(UPSTREAM, 'datasets', path + '.py'))
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


for ours, theirs in [('essays.jsonl', 'PaulGrahamEssays.jsonl'), ('zh.jsonl', 'zh_finance.jsonl'),
                     ('needles.jsonl', 'needles.jsonl'), ('names.json', 'names.json'), ('squad.json', 'squad.json'),
                     ('relations_en.json', 'multi_needle_reasoning_en.json'), ('hotpot.json', 'hotpot.json'),
                     ('relations_zh.json', 'multi_needle_reasoning_zh.json')]:
    shutil.copy(os.path.join(HERE, ours), os.path.join(DATA, theirs))

cases = []


def case(files, loader, rows, column='prompt'):
    """Adds a case: the loader with its arguments, its files, a hash of the prompt and the answer of each row, and the end
    of the last row."""
    compact = [json.dumps(row['answer'], ensure_ascii=False, separators=(',', ':')) for row in rows]
    whole = [f"{row[column]}\0{answer}" for row, answer in zip(rows, compact)]
    hashes = [hashlib.sha256(text.encode()).hexdigest()[:8] for text in whole]
    cases.append(dict(files=files, loader=loader, column=column, rows=hashes, end=whole[-1][-24:]))


def quiet(load, **arguments):
    """Runs a loader without its prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        return load(**arguments)


def needle_sets():
    """Both editions of NeedleBench."""
    lengths, depths, repeats = [90, 700], [0, 35, 100], 2
    for edition, folder in [('first', 'needlebench'), ('second', 'needlebench_v2')]:
        atc = upstream(f'{folder}/atc')
        loads = {'single': upstream(f'{folder}/origin').NeedleBenchOriginDataset.load,
                 'parallel': upstream(f'{folder}/parallel').NeedleBenchParallelDataset.load,
                 'multi': upstream(f'{folder}/multi').NeedleBenchMultiDataset.load}
        for task, load in loads.items():
            for language, haystack, text in [('en', 'PaulGrahamEssays.jsonl', 'essays.jsonl'), ('zh', 'zh_finance.jsonl', 'zh.jsonl')]:
                facts = {'single': 'needles.jsonl', 'parallel': 'needles.jsonl', 'multi': 'names.json'}[task]
                arguments = dict(path=DATA, tokenizer_model='gpt-4', file_list=[haystack], num_repeats_per_file=repeats,
                                 length_buffer=100, language={'en': 'English', 'zh': 'Chinese'}[language], needle_file_name=facts)
                loader = dict(name='needle_set', edition=edition, task=task, language=language, lengths=' '.join(map(str, lengths)),
                              depths=depths, buffer='100', repeats=repeats)
                if edition == 'first':
                    arguments['guide'], loader['wording'] = True, 'guided'
                if task == 'multi':
                    arguments['num_needles'], arguments['diff'] = 2, 10
                    loader['needles'], loader['gap'] = 2, 10
                    if edition == 'first':
                        facts = f'relations_{language}.json'
                        arguments['needle_file_name'] = f'multi_needle_reasoning_{language}.json'
                rows = []
                for length in lengths:
                    if task == 'parallel':
                        random.seed(0)
                        rows += quiet(load, length=length, depths=depths, **arguments)
                        continue
                    for depth in depths:
                        rows += quiet(load, length=length, depth=depth, **arguments)
                case([text, facts, 'vocabulary.tiktoken'], loader, rows)
                if task == 'single' and edition == 'first':
                    arguments['guide'], loader = False, dict(loader, wording='completed', lengths=[300], depths=[50])
                    case([text, facts, 'vocabulary.tiktoken'], loader, quiet(load, length=300, depth=50, **arguments))
        if edition == 'second':
            for language, name in [('en', 'English'), ('zh', 'Chinese')]:
                rows = atc.NeedleBenchATCDataset.load(DATA, 'names.json', 5, name, 2)
                loader = dict(name='needle_set', edition='second', task='trace', language=language, repeats=2, needles='5')
                case(['names.json'], loader, rows)


def ruler_sets():
    """RULER's tasks."""
    niah = upstream('ruler/ruler_niah').RulerNiahDataset.load
    kinds = ['type_haystack', 'type_needle_k', 'type_needle_v', 'num_needle_k', 'num_needle_v', 'num_needle_q']
    for length, samples, values in [
            (1200, 3, ('repeat', 'words', 'numbers', 1, 1, 1)), (4600, 2, ('repeat', 'words', 'numbers', 1, 1, 1)),
            (900, 2, ('needle', 'words', 'numbers', 1, 1, 1)), (2000, 2, ('needle', 'uuids', 'uuids', 1, 1, 1)),
            (1500, 2, ('essay', 'words', 'uuids', 1, 1, 1)), (9000, 2, ('essay', 'words', 'numbers', 4, 1, 1)),
            (1500, 2, ('essay', 'words', 'numbers', 1, 4, 1)), (1500, 3, ('essay', 'words', 'numbers', 1, 1, 4))]:
        arguments = dict(zip(kinds, values), max_seq_length=length, num_samples=samples, tokens_to_generate=128)
        files = (['essays.jsonl'] if values[0] == 'essay' else []) + ['nouns.txt', 'adjectives.txt', 'vocabulary.tiktoken']
        rows = quiet(niah, base_path=DATA, file_path='PaulGrahamEssays.jsonl', **arguments)
        case(files, dict(arguments, name='ruler_niah'), rows)
    for length in [1400, 4400]:
        arguments = dict(max_seq_length=length, num_samples=3, tokens_to_generate=30, num_chains=1, num_hops=4)
        case(['vocabulary.tiktoken'], dict(arguments, name='ruler_vt'), quiet(upstream('ruler/ruler_vt').RulerVtDataset.load, **arguments))
    for length in [1600, 4400]:
        arguments = dict(max_seq_length=length, num_samples=3, tokens_to_generate=120, freq_cw=30, freq_ucw=3, num_cw=10)
        rows = quiet(upstream('ruler/ruler_cwe').RulerCweDataset.load, **arguments)
        case(['nouns.txt', 'adjectives.txt', 'verbs.txt', 'vocabulary.tiktoken'], dict(arguments, name='ruler_cwe'), rows)
    for length in [900, 4400]:
        arguments = dict(max_seq_length=length, num_samples=3)
        rows = quiet(upstream('ruler/ruler_fwe').RulerFweDataset.load, tokens_to_generate=50, alpha=2.0, coded_wordlen=6, **arguments)
        case(['vocabulary.tiktoken'], dict(arguments, name='ruler_fwe'), rows)
    for dataset, length in [('squad', 1150), ('squad', 9000), ('hotpotqa', 700), ('hotpotqa', 4000)]:
        arguments = dict(dataset=dataset, max_seq_length=length, num_samples=6, tokens_to_generate=50)
        file = {'squad': 'squad.json', 'hotpotqa': 'hotpot.json'}[dataset]
        rows = quiet(upstream('ruler/ruler_qa').RulerQaDataset.load, path=os.path.join(DATA, file), **arguments)
        case([file, 'vocabulary.tiktoken'], dict(arguments, name='ruler_qa'), rows)


def chains():
    """The chains of relations of NeedleBench's first edition."""
    choice = upstream('needlebench/atc_choice').NeedleBenchATCDataset.load
    atc = upstream('needlebench/atc')
    loads = {'shuffled': atc.NeedleBenchATCDataset.load, 'ordered': atc.NeedleBenchATCOrderedDataset.load}
    for language, name in [('en', 'English'), ('zh', 'Chinese')]:
        for needles in [2, 7]:
            loader = dict(name='needle_chain', form='choice', language=language, needles=str(needles), repeats=2)
            case(['names.json'], loader, choice(DATA, 'names.json', needles, name, 2), 'question')
        for form, load in loads.items():
            random.seed(0)
            loader = dict(name='needle_chain', form=form, language=language, needles=5, repeats='3')
            case(['names.json'], loader, load(DATA, 'names.json', 5, name, 3))


needle_sets()
chains()
ruler_sets()
write('rows.jsonl', lines(cases))
shutil.rmtree(DATA)
