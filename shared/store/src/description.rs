//! The state of the table itself, for the operator's check of a deployment.

use aws_sdk_dynamodb::types::{KeyType, PointInTimeRecoveryStatus, TimeToLiveStatus};
use trustplane_aws::Uninspected;

use crate::Table;

/// State of the table. A part that could not be read has its reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// `ACTIVE`, `CREATING` and so on.
    pub status: String,
    /// Names of the partition key and the sort key.
    pub keys: Vec<String>,
    /// Global secondary indexes: name, status, and the names of their keys.
    pub indexes: Vec<(String, String, Vec<String>)>,
    /// View type of the stream; `None` if the table has no stream.
    pub stream: Option<String>,
    /// True if the table cannot be deleted by one call.
    pub is_protected: bool,
    /// The attribute with an item's time to live; `None` if no item expires.
    pub ttl: Result<Option<String>, Uninspected>,
    /// True if the table can be restored to any second of the last days.
    pub has_point_in_time_recovery: Result<bool, Uninspected>,
}

impl Table {
    /// Returns the table's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Describes the table, its time to live and its backups.
    pub async fn describe(&self) -> Result<Description, Uninspected> {
        let described = self.client.describe_table().table_name(&self.name).send().await;
        let table = described.map_err(Uninspected::of)?.table;
        let table = table.ok_or_else(|| Uninspected::Failed("the response has no table".to_owned()))?;
        let names = |keys: &[aws_sdk_dynamodb::types::KeySchemaElement]| {
            let mut keys: Vec<_> = keys.iter().collect();
            keys.sort_by_key(|key| key.key_type != KeyType::Hash);
            keys.iter().map(|key| key.attribute_name.clone()).collect::<Vec<_>>()
        };
        let indexes = table.global_secondary_indexes().iter().map(|index| {
            let status = index.index_status().map_or_else(String::new, |status| status.as_str().to_owned());
            (index.index_name().unwrap_or_default().to_owned(), status, names(index.key_schema()))
        });
        let stream = table.stream_specification().filter(|stream| stream.stream_enabled);
        Ok(Description {
            status: table.table_status().map_or_else(String::new, |status| status.as_str().to_owned()),
            keys: names(table.key_schema()),
            indexes: indexes.collect(),
            stream: stream.and_then(|stream| stream.stream_view_type()).map(|view| view.as_str().to_owned()),
            is_protected: table.deletion_protection_enabled.unwrap_or_default(),
            ttl: self.time_to_live().await,
            has_point_in_time_recovery: self.point_in_time_recovery().await,
        })
    }

    async fn time_to_live(&self) -> Result<Option<String>, Uninspected> {
        let described = self.client.describe_time_to_live().table_name(&self.name).send().await;
        let described = described.map_err(Uninspected::of)?.time_to_live_description;
        let enabled = [TimeToLiveStatus::Enabled, TimeToLiveStatus::Enabling].map(Some);
        let enabled = described.filter(|ttl| enabled.contains(&ttl.time_to_live_status));
        Ok(enabled.and_then(|ttl| ttl.attribute_name))
    }

    async fn point_in_time_recovery(&self) -> Result<bool, Uninspected> {
        let described = self.client.describe_continuous_backups().table_name(&self.name).send().await;
        let backups = described.map_err(Uninspected::of)?.continuous_backups_description;
        let recovery = backups.and_then(|backups| backups.point_in_time_recovery_description);
        let status = recovery.and_then(|recovery| recovery.point_in_time_recovery_status);
        Ok(status == Some(PointInTimeRecoveryStatus::Enabled))
    }
}
