"""How timm prepares pictures for the weights that it publishes, for zoo/testdata/timm_input.json.

    python timm_input.py NAME.TAG... > ../../zoo/testdata/timm_input.json
"""
import json
import sys

from timm.models import get_pretrained_cfg


def main():
    table = {}
    for name in sys.argv[1:]:
        c = get_pretrained_cfg(name).to_dict()
        table[name] = {
            'size': list(c['input_size'][1:]), 'channels': c['input_size'][0], 'crop_pct': c['crop_pct'],
            'crop_mode': c.get('crop_mode') or 'center', 'interpolation': c['interpolation'], 'mean': list(c['mean']), 'std': list(c['std']),
        }
    print('{\n' + ',\n'.join(f'{json.dumps(k)}: {json.dumps(v)}' for k, v in table.items()) + '\n}')


if __name__ == '__main__':
    main()
