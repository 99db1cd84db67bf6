internal import Compute
internal import JSON
internal import MessagePassing

/// A step of one expert or of several at once, as one rank takes part in it: factors come from the first rank,
/// gradients are summed in the tree that one process uses, and the sums go to the first rank.
struct SharedStep {
  /// What an expert's step needs.
  struct Part {
    /// What the step computes.
    let source: ItemGradients
    /// The factors; on other ranks than the first what they were, which are replaced.
    var adapter: TrainableAdapter
    /// Number of the step.
    let step: Int
  }

  private let ranks: Ranks
  private let share: StepShare

  /// The part of one of some ranks in a step of so many experts.
  init(_ ranks: Ranks, experts: Int, batch: Int) {
    self.ranks = ranks
    share = StepShare(experts: experts, batch: batch, ranks: ranks.count)
  }

  /// Whether this rank has items of an expert.
  private func hasItems(of expert: Int) -> Bool { share.owners[expert].contains(ranks.rank) }

  /// Does this rank's part.
  ///
  /// - Parameters:
  ///   - parts: of each expert.
  ///   - shouldStop: whether this rank wants the run to stop.
  /// - Returns: on the first rank, for each expert, the sum of gradients and what the items were, in order, and
  ///   whether another rank wants to stop; on others the factors alone are of use.
  /// - Throws: `RankError`.
  func take(
    _ parts: inout [Part], shouldStop: () -> Bool
  ) throws -> (results: [([String: FactorGradients], [TrainingRun.ItemResult])], stops: Bool) {
    for expert in parts.indices {
      try ranks.broadcast(&parts[expert].adapter, among: share.ranks(of: expert))
    }
    var sums: [[String: FactorGradients]] = []
    var own: [[TrainingRun.ItemResult]] = []
    for (expert, part) in parts.enumerated() {
      let (sum, results) = try sum(of: part, expert)
      own.append(results)
      if ranks.isFirst { sums.append(sum ?? [:]) }
    }
    guard ranks.isFirst else {
      if share.owners.indices.contains(where: hasItems) {
        try ranks.send(Self.json(own, stops: shouldStop()), to: 0)
      }
      return ([], false)
    }
    var stops = false
    for rank in 1..<max(1, share.busyCount) {
      let report = try ranks.receiveValue(from: rank)
      stops = stops || report["stop"]?.bool == true
      for (expert, items) in (report["items"]?.array ?? []).enumerated() where expert < own.count {
        own[expert] += (items.array ?? []).compactMap(TrainingRun.ItemResult.init)
      }
    }
    for (expert, items) in own.enumerated() where items.count != share.owners[expert].count {
      throw RankError.lost(rank: share.busyCount - 1, detail: "its account of a step is not whole")
    }
    return (Array(zip(sums, own)), stops)
  }

  /// The sum of an expert's gradients, on the first rank; what this rank's items were.
  private func sum(
    of part: Part, _ expert: Int
  ) throws -> ([String: FactorGradients]?, [TrainingRun.ItemResult]) {
    let owners = share.owners[expert]
    let (root, rank) = (owners.first ?? 0, ranks.rank)
    guard hasItems(of: expert) || ranks.isFirst else { return (nil, []) }
    let (first, adapter) = (part.source.items(ofStep: part.step).lowerBound, part.adapter)
    let adapters = adapter.attached
    var results: [TrainingRun.ItemResult] = []
    var sum = try PairwiseSum<[String: FactorGradients]>(
      value: { index in
        let (gradients, result) = part.source.gradients(ofItem: first + index, adapters)
        results.append(result)
        return gradients
      }, add: { $0.add($1) },
      addFromRank: { [ranks] in try ranks.addGradients(of: adapter, from: $1, to: &$0) },
      give: { [ranks] in try ranks.send($0, of: adapter, to: $1) }
    ).sum(owners: owners, rank: rank)
    if root != 0 {
      if rank == root { try ranks.send(sum ?? [:], of: adapter, to: 0) }
      if ranks.isFirst {
        var received: [String: FactorGradients] = [:]
        try ranks.addGradients(of: adapter, from: root, to: &received)
        sum = received
      }
    }
    return (sum, results)
  }

  private static func json(_ items: [[TrainingRun.ItemResult]], stops: Bool) -> JSONValue {
    ["stop": .bool(stops), "items": .array(items.map { .array($0.map(\.json)) })]
  }
}

extension TrainingRun.ItemResult {
  /// For another rank; numbers by their bits, so that none changes, and those that are not finite arrive.
  fileprivate var json: JSONValue {
    [
      "sigma": .integer(Int64(sigma.bitPattern)), "sample": .string(sample),
      "dropped": .bool(isCaptionDropped), "loss": .integer(Int64(bitPattern: loss.bitPattern)),
    ]
  }

  fileprivate init?(_ json: JSONValue) {
    guard let sigma = json["sigma"]?.integer, let sample = json["sample"]?.string,
      let isDropped = json["dropped"]?.bool, let loss = json["loss"]?.integer
    else { return nil }
    self.init(
      sigma: Float(bitPattern: UInt32(truncatingIfNeeded: sigma)), sample: sample,
      isCaptionDropped: isDropped,
      loss: Double(bitPattern: UInt64(bitPattern: Int64(loss))))
  }
}
