//! What answers cost, and whether there is anything left to be spent.

use crate::adapters::llm::Usage;
use crate::chat::event::Cost;
use crate::config::chat::{BudgetSettings, Prices};
use crate::store::chat::usage::Spent;

/// How many tokens a provider may count for one that is counted here: some models have one for each
/// byte of what others have a word for.
const MOST_TIMES: u64 = 16;

/// What it may count besides: of what is asked, what its template adds; of what is answered, what
/// the model thought.
const UNSEEN_PROMPT: u64 = 100_000;
const UNSEEN_COMPLETION: u64 = 250_000;

/// The most that one answer is taken to cost, in millionths, whatever the prices are: sums of it do
/// not overflow.
const MOST_MICROS: u64 = 1_000_000_000_000;

/// What an answer cost. Without usage of the provider's, `counted` is what was counted here.
pub(super) fn cost(reported: Option<Usage>, counted: Usage, prices: Option<Prices>) -> Cost {
    let usage = reported.unwrap_or(counted);
    let cost_micros = price(usage, prices).min(MOST_MICROS);
    Cost { usage, cost_micros, is_estimate: reported.is_none() }
}

/// What was counted here.
pub(super) fn counted(prompt_tokens: u64, completion_tokens: u64) -> Usage {
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Usage { prompt_tokens, completion_tokens, total_tokens, cached_tokens: 0 }
}

/// Whether what a provider says can be so, where this was counted here. Models count otherwise, and
/// think unseen, but not without bounds; and who says that nothing was asked does not count.
pub(super) fn is_believable(reported: Usage, counted: Usage) -> bool {
    let most = |counted: u64, besides: u64| counted.saturating_mul(MOST_TIMES) + besides;
    let prompt = most(counted.prompt_tokens, UNSEEN_PROMPT);
    let completion = most(counted.completion_tokens, UNSEEN_COMPLETION);
    let is_counted = 0 < reported.prompt_tokens || 0 < reported.completion_tokens;
    is_counted
        && reported.prompt_tokens <= prompt
        && reported.completion_tokens <= completion
        && reported.total_tokens <= prompt + completion
        && reported.cached_tokens <= reported.prompt_tokens
}

/// What tokens cost in millionths, rounded up; nothing where no price is known.
fn price(usage: Usage, prices: Option<Prices>) -> u64 {
    let Some(prices) = prices else { return 0 };
    let cached = usage.cached_tokens.min(usage.prompt_tokens);
    let parts = [
        (usage.prompt_tokens - cached, prices.input_micros),
        (cached, prices.cached_input_micros),
        (usage.completion_tokens, prices.output_micros),
    ];
    // In 128 bits, in which no count and price overflow.
    let sum: u128 = parts.iter().map(|(n, price)| u128::from(*n) * u128::from(*price)).sum();
    u64::try_from(sum.div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

/// Which budget has nothing left, in one sentence; `None` while every one has.
pub(super) fn exhausted(
    budgets: &BudgetSettings,
    conversation: Spent,
    day: Spent,
) -> Option<String> {
    let tokens = |spent: Spent| u64::try_from(spent.tokens).unwrap_or(0);
    let micros = |spent: Spent| u64::try_from(spent.cost_micros).unwrap_or(0);
    let checks = [
        (budgets.conversation_tokens, tokens(conversation), "this conversation", "tokens"),
        (budgets.conversation_cost_micros, micros(conversation), "this conversation", "cost"),
        (budgets.day_tokens, tokens(day), "today", "tokens"),
        (budgets.day_cost_micros, micros(day), "today", "cost"),
    ];
    let (limit, spent, of, unit) = checks.into_iter().find_map(|(limit, spent, of, unit)| {
        limit.filter(|limit| *limit <= spent).map(|limit| (limit, spent, of, unit))
    })?;
    let until = if of == "today" { "; it begins anew at midnight UTC" } else { "" };
    Some(if unit == "tokens" {
        format!("the budget of {of} is used up: {spent} of {limit} tokens{until}")
    } else {
        #[expect(clippy::cast_precision_loss, reason = "prices for people to read")]
        let (spent, limit) = (spent as f64 / 1e6, limit as f64 / 1e6);
        format!("the budget of {of} is used up: a cost of {spent:.4} of {limit:.4}{until}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_costs_what_its_tokens_cost() {
        let prices =
            Prices { input_micros: 150_000, output_micros: 600_000, cached_input_micros: 75_000 };
        let usage = Usage {
            prompt_tokens: 1_000,
            completion_tokens: 100,
            total_tokens: 1_100,
            cached_tokens: 400,
        };
        let known = cost(Some(usage), Usage::default(), Some(prices));
        // 600 × 0.15 + 400 × 0.075 + 100 × 0.6, in millionths.
        assert_eq!((known.cost_micros, known.is_estimate), (180, false));
        let counted = cost(None, usage, None);
        assert_eq!((counted.usage, counted.cost_micros, counted.is_estimate), (usage, 0, true));
        let huge = Usage { prompt_tokens: u64::MAX, ..Usage::default() };
        assert_eq!(price(huge, Some(prices)), 2_767_011_611_056_432_743);
    }

    #[test]
    fn a_budget_that_is_used_up_is_named() {
        let spent = |tokens, cost_micros| Spent { tokens, cost_micros };
        let budgets = BudgetSettings {
            conversation_tokens: Some(100),
            conversation_cost_micros: None,
            day_tokens: None,
            day_cost_micros: Some(2_000_000),
        };
        assert_eq!(exhausted(&budgets, spent(99, 0), spent(1_000, 1_999_999)), None);
        let of = |conversation, day| exhausted(&budgets, conversation, day).unwrap();
        assert_eq!(
            of(spent(100, 0), spent(0, 0)),
            "the budget of this conversation is used up: 100 of 100 tokens"
        );
        assert_eq!(
            of(spent(0, 0), spent(0, 2_500_000)),
            "the budget of today is used up: a cost of 2.5000 of 2.0000; it begins anew at \
             midnight UTC"
        );
        assert_eq!(exhausted(&BudgetSettings::default(), spent(9, 9), spent(9, 9)), None);
    }
}
