import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { stringify } from "yaml";
import type { Rule, RuleGroup } from "../../monitoring/alerts";
import { built } from "../../toolchain/goModules";
import type { Case, Timeline } from "./faults";

export interface Verdict {
    isRight: boolean;
    output: string;
}

/** Runs promtool on a rule. The rule is right if it fires on the series of `fires` and not on those of `quiet`. */
export async function verdict(rule: Rule, { fires, quiet, minutes }: Case): Promise<Verdict> {
    const tests = [
        ...Object.entries(fires).map(([what, series]) => test(what, series, 1)),
        ...Object.entries(quiet).map(([what, series]) => test(what, series, 0)),
    ];
    return promtool([{ name: "tried", rules: [rule] }], ["test", "rules", "tests.yaml"], {
        evaluation_interval: "1m",
        rule_files: ["rules.yaml"],
        tests,
    });

    function test(what: string, series: Timeline, firing: 0 | 1) {
        return {
            name: `${rule.alert}: ${what}`,
            interval: "1m",
            input_series: Object.entries(series).map(([selector, values]) => ({
                series: selector.replace("{", '{namespace="sms",'),
                values,
            })),
            promql_expr_test: [
                {
                    expr: `(count(ALERTS{alertname="${rule.alert}",alertstate="firing"}) or vector(0)) > bool 0`,
                    eval_time: `${minutes}m`,
                    exp_samples: [{ labels: "{}", value: firing }],
                },
            ],
        };
    }
}

/** Checks the syntax of the rules with promtool. */
export function lint(groups: RuleGroup[]): Promise<Verdict> {
    return promtool(groups, ["check", "rules", "--lint-fatal", "rules.yaml"]);
}

async function promtool(groups: RuleGroup[], args: string[], tests?: object): Promise<Verdict> {
    const folder = mkdtempSync(join(tmpdir(), "sms-rules-"));
    try {
        writeFileSync(join(folder, "rules.yaml"), stringify({ groups }));
        writeFileSync(join(folder, "tests.yaml"), stringify(tests ?? {}));
        const command = join(await built("prometheus"), "promtool");
        const { exitCode, all } = await execa(command, args, { cwd: folder, all: true, reject: false });
        return { isRight: exitCode === 0, output: all };
    } finally {
        rmSync(folder, { recursive: true });
    }
}
