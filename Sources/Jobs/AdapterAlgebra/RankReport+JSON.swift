public import JSON

extension RankReport {
  /// The share of the energy that is kept, as it is told: nil where there is none.
  public var energyKeptOfAny: Double? {
    modules.contains { $0.norm > 0 } ? energyKept : nil
  }

  /// For programs: `energy_kept` of all modules (null where there is none), and of each in `resized`.
  public var json: JSONObject {
    [
      "energy_kept": energyKeptOfAny.map { .number($0) } ?? .null,
      "resized": .array(
        modules.map {
          [
            "module": .string($0.path), "old_rank": .integer(Int64($0.oldRank)),
            "new_rank": .integer(Int64($0.newRank)), "norm": .number($0.norm),
            "energy_kept": .number($0.energyKept),
          ]
        }),
    ]
  }
}
