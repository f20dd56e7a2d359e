//! Batches: several outbox rows published as one AMQP message.

use std::collections::HashSet;

use contracts::excerpt;
use lapin::types::{AMQPValue, FieldTable};
use uuid::Uuid;

use crate::outbox::OutboxRow;

/// The maximum number of rows in a batch.
const BATCH: usize = 64;

/// The maximum length of a header text, in bytes. All headers of a message must fit into one frame, 131,064 bytes by
/// default.
const LONGEST_HEADER: usize = 1000;

/// Rows that are published together: one AMQP message costs the broker the same whether it carries one row or many.
pub struct Batch<'a> {
    pub rows: Vec<&'a OutboxRow>,
    pub content_type: &'static str,
}

/// Groups rows into batches by destination, keeping their order. Rows for a queue are never combined.
///
/// A batch arrives completely or not at all, and a returned message must not be overtaken by later messages of its
/// order: rules 3 (one relay) and 51 (partial progress). So a row waits for the next round if an earlier row of its
/// order goes to a `doubtful` destination, which did not take messages recently, or is in a full batch to the same
/// destination.
pub fn batches(rows: &[OutboxRow], doubtful: impl Fn(&str) -> bool) -> Vec<Batch<'_>> {
    let mut batches: Vec<Batch> = Vec::new();
    let mut waiting: HashSet<Uuid> = HashSet::new();
    for row in rows {
        if let Some(subject) = row.subject {
            let full = batches.iter().any(|batch| {
                batch.is_full() && batch.destination() == row.destination && batch.is_about(row.subject)
            });
            if full || waiting.contains(&subject) {
                continue;
            }
            if doubtful(&row.destination) {
                waiting.insert(subject);
            }
        }
        let open = batches
            .iter_mut()
            .rev()
            .find(|batch| !row.queue && batch.destination() == row.destination && !batch.is_full());
        match open {
            Some(batch) => {
                batch.rows.push(row);
                batch.content_type = "application/cloudevents-batch+json";
            }
            None => batches.push(Batch { rows: vec![row], content_type: "application/cloudevents+json" }),
        }
    }
    batches
}

impl<'a> Batch<'a> {
    /// The destination of all its rows.
    pub fn destination(&self) -> &'a str {
        &self.rows[0].destination
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= BATCH
    }

    fn is_about(&self, subject: Option<Uuid>) -> bool {
        self.rows.iter().any(|row| row.subject == subject)
    }

    /// One CloudEvent, or a JSON array of several.
    pub fn body(&self) -> Vec<u8> {
        if let [row] = self.rows.as_slice() {
            return row.body.clone();
        }
        let bodies: Vec<&[u8]> = self.rows.iter().map(|row| row.body.as_slice()).collect();
        [b"[".as_slice(), &bodies.join(b",".as_slice()), b"]"].concat()
    }

    /// The headers of its first row. Texts are cut here too, because every message passes here: the broker closes the
    /// connection of a sender whose headers exceed a frame, and the row would be sent again and again. See
    /// rule 49 (text bounds).
    pub fn headers(&self) -> FieldTable {
        let mut table = FieldTable::default();
        for (name, value) in self.rows[0].headers.iter().flat_map(|headers| headers.as_object()).flatten() {
            let value = match value.as_i64() {
                Some(number) => AMQPValue::LongLongInt(number),
                None => {
                    let text = excerpt(value.as_str().unwrap_or_default(), LONGEST_HEADER);
                    AMQPValue::LongString(text.as_ref().into())
                }
            };
            table.insert(name.as_str().into(), value);
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: i64, destination: &str, queue: bool) -> OutboxRow {
        let (destination, body) = (destination.into(), id.to_string().into());
        let (headers, parent_span, subject) = (None, None, None);
        OutboxRow { id, destination, queue, headers, body, parent_span, subject, waited_us: 0 }
    }

    #[test]
    fn messages_for_one_destination_travel_together_and_in_order() {
        let rows = [
            row(1, "a", false),
            row(2, "b", false),
            row(3, "a", false),
            row(4, "dead", true),
            row(5, "dead", true),
        ];
        let batches = batches(&rows, |_| false);
        let bodies: Vec<String> =
            batches.iter().map(|batch| String::from_utf8(batch.body()).unwrap()).collect();
        assert_eq!(bodies, ["[1,3]", "2", "4", "5"]);
    }

    #[test]
    fn a_batch_does_not_grow_without_end() {
        let rows: Vec<OutboxRow> = (0..BATCH as i64 + 1).map(|id| row(id, "a", false)).collect();
        let batches = batches(&rows, |_| false);
        assert_eq!(batches.iter().map(|batch| batch.rows.len()).collect::<Vec<_>>(), [BATCH, 1]);
    }

    #[test]
    fn what_follows_in_an_order_is_never_in_a_later_batch_of_the_same_round() {
        let order = Some(Uuid::new_v4());
        let mut rows: Vec<OutboxRow> = (0..BATCH as i64).map(|id| row(id, "a", false)).collect();
        rows[0].subject = order;
        rows.push(OutboxRow { subject: order, ..row(100, "a", false) });
        rows.push(OutboxRow { subject: order, ..row(101, "b", false) });
        rows.push(OutboxRow { subject: Some(Uuid::new_v4()), ..row(102, "a", false) });
        let batches: Vec<Vec<i64>> = batches(&rows, |_| false)
            .iter()
            .map(|batch| batch.rows.iter().map(|row| row.id).collect())
            .collect();
        assert_eq!(batches[1..], [vec![101], vec![102]]);
    }

    #[test]
    fn no_header_is_larger_than_a_frame() {
        let headers = Some(serde_json::json!({ "x-reason": "A".repeat(200_000), "x-attempts": 3 }));
        let rows = [OutboxRow { headers, ..row(1, "dead", true) }];
        let table = batches(&rows, |_| false)[0].headers();
        let Some(AMQPValue::LongString(reason)) = table.inner().get("x-reason") else { panic!("{table:?}") };
        assert!(reason.as_bytes().len() < 2 * LONGEST_HEADER);
        assert_eq!(table.inner().get("x-attempts"), Some(&AMQPValue::LongLongInt(3)));
    }

    #[test]
    fn nothing_of_an_order_goes_past_what_may_come_back() {
        let (order, other) = (Some(Uuid::new_v4()), Some(Uuid::new_v4()));
        let rows = [
            OutboxRow { subject: order, ..row(1, "away", false) },
            OutboxRow { subject: order, ..row(2, "here", false) },
            OutboxRow { subject: other, ..row(3, "here", false) },
            OutboxRow { subject: order, ..row(4, "away", false) },
        ];
        let batches: Vec<Vec<i64>> = batches(&rows, |destination| destination == "away")
            .iter()
            .map(|batch| batch.rows.iter().map(|row| row.id).collect())
            .collect();
        assert_eq!(batches, [vec![1], vec![3]]);
    }
}
