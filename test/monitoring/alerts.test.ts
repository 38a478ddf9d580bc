import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { alertRules } from "../../monitoring/alerts";
import { type Case, cases, workers } from "./faults";
import { lint, verdict } from "./promtool";

const groups = alertRules({ namespace: "sms", workers, onCallUrl: "docs/on-call.md" });
const rules = groups.flatMap((group) => group.rules);
const names = rules.map(({ alert }) => alert);

describe("the alerts", () => {
    for (const rule of rules) {
        const tried = cases[rule.alert] as Case;
        it(`${rule.alert}: ${Object.keys(tried.fires).join("; or ")}; but not where ${Object.keys(tried.quiet).join(" or ")}`, async () => {
            const { isRight, output } = await verdict(rule, tried);
            assert.ok(isRight, output);
        });

        it(`${rule.alert} can't be changed without a failing test`, async () => {
            const changed = mutations(rule.expr);
            assert.ok(changed.length > 0);
            for (const expr of changed) {
                const { isRight, output } = await verdict({ ...rule, expr }, tried);
                assert.ok(!isRight, `passes as ${expr}`);
                assert.match(output, /exp:/, `is no rule at all as ${expr}`);
            }
        });
    }

    it("are all tested, each by its name and once", () => {
        assert.deepEqual(Object.keys(cases), names);
        assert.equal(new Set(names).size, names.length);
    });

    it("are well-formed", async () => {
        const { isRight, output } = await lint(groups);
        assert.ok(isRight, output);
    });

    it("name their product if two products share a Prometheus", () => {
        const others = alertRules({ namespace: "shop", workers, onCallUrl: "docs/on-call.md" }).flatMap((group) => group.rules);
        assert.deepEqual([...new Set(rules.map(({ labels }) => labels.namespace))], ["sms"]);
        assert.deepEqual([...new Set(others.map(({ labels }) => labels.namespace))], ["shop"]);
    });

    it("use only series of their own stack", () => {
        for (const { alert, expr } of rules) {
            const selectors = expr.match(/\b(up|(sms|kube|kubelet)_\w+)\b(\{namespace="sms")?/g) ?? [];
            assert.ok(selectors.length > 0, alert);
            for (const selector of selectors) {
                assert.match(selector, /\{namespace="sms"$/, alert);
            }
        }
    });
});

/** Wrong variants of an expression: without one alternative, with a reversed comparison, or with a limit ten times higher or lower. */
function mutations(expr: string): string[] {
    const alternatives = expr.split(/ or (?=absent|time)/);
    const without = alternatives.length === 1 ? [] : alternatives.map((one) => alternatives.filter((other) => other !== one).join(" or "));
    const compared = [...expr.matchAll(/(==|>=|<|>) ([\d.]+)/g)].flatMap(({ index, 0: whole, 1: comparison = "", 2: limit = "" }) => {
        const turned = `${{ "==": "!=", "<": ">", ">": "<", ">=": "<" }[comparison]} ${limit}`;
        const moved =
            Number(limit) === 0 || comparison === "==" ? [] : [10, 0.1].map((factor) => `${comparison} ${Number(limit) * factor}`);
        return [turned, ...moved].map((change) => expr.slice(0, index) + change + expr.slice(index + whole.length));
    });
    return [...without, ...compared];
}

describe("docs/on-call.md", () => {
    const sections = new Map(
        readFileSync("docs/on-call.md", "utf8")
            .split(/^### /m)
            .slice(1)
            .map((section) => [section.slice(0, section.indexOf("\n")), section]),
    );

    it("has a section for each alert, at the anchor that the alert names, and for no other", () => {
        assert.deepEqual([...sections.keys()], names);
        for (const { alert, annotations } of rules) {
            assert.equal(annotations.runbook_url, `docs/on-call.md#${alert.toLowerCase()}`);
        }
    });

    it("has for each alert its meaning, the places to look at and the actions", () => {
        for (const [name, section] of sections) {
            for (const part of ["Means", "Look at", "Do"]) {
                assert.match(section, new RegExp(`^\\*\\*${part}:\\*\\* \\S`, "m"), `${name}: ${part}`);
            }
        }
    });
});
