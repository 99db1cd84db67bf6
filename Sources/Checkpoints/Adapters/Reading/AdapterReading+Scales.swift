internal import Checkpoints
internal import Elements
internal import JSON
internal import Tensors

extension AdapterReading {
  /// One answer to what a module's scale is.
  private struct Answer {
    let scale: Double
    /// Who gives it, for messages.
    let name: String
    let source: AdapterModule.ScaleSource
  }

  /// Finds every module's scale: its alpha tensor, else what describes the adapter, else the alpha
  /// that the caller assumes, else alpha = rank. Answers that differ are a problem.
  ///
  /// - Parameters:
  ///   - configuration: what lies beside the file.
  ///   - assumedAlpha: the alpha where nothing says; nil for the rank.
  mutating func readScales(_ configuration: AdapterConfiguration, assumedAlpha: Double?) {
    readStatements(configuration)
    var assumed: [String: (count: Int, copied: String?)] = [:]
    var onlyStated: [String: [(scale: Double, place: String)]] = [:]
    for position in entries.indices {
      let scale = readScale(
        of: entries[position], assumedAlpha: assumedAlpha, &assumed, &onlyStated)
      entries[position].take(scale)
    }
    for method in methods.indices where methods[method].reading?.hasOwnScale == true {
      for position in methods[method].modules.indices {
        let scale = readScale(
          of: methods[method].modules[position], assumedAlpha: assumedAlpha, &assumed, &onlyStated)
        methods[method].modules[position].take(scale)
      }
    }
    let copiedKey = StatedScales.shared.copied.alpha
    if !assumed.isEmpty, copiedAlpha == nil, let value = metadata[copiedKey],
      JSONValue(ofMetadata: value) != .null
    {
      note(.unreadAlpha(key: copiedKey, value: value))
    }
    for (component, found) in assumed.sorted(by: { $0.key < $1.key }) {
      note(
        .alphaAssumed(moduleCount: found.count, copiedAlpha: found.copied), component: component)
      if component == AdapterFile.transformer, case .ofAnotherName = configuration {
        note(.configurationNotRead)
      }
    }
    for (component, list) in onlyStated.sorted(by: { $0.key < $1.key }) {
      for (scale, place) in list.sorted(by: { $0.scale < $1.scale }) {
        note(.scaleOnlyInHeader(scale: scale, place: place), component: component)
      }
    }
  }

  /// Finds the scale of a module; nil where it has no rank.
  private mutating func readScale(
    of entry: AdapterFile.Entry, assumedAlpha: Double?,
    _ assumed: inout [String: (count: Int, copied: String?)],
    _ onlyStated: inout [String: [(scale: Double, place: String)]]
  ) -> FoundScale? {
    guard let rank = entry.rank ?? statedRank(of: entry), rank > 0 else { return nil }
    let component = entry.component
    let answers: [Answer]
    do throws(BadAlpha) { answers = try self.answers(entry, rank: rank) } catch {
      note(.badAlpha(name: entry.name, found: error.found), component: component)
      return FoundScale(scale: nil, source: .alphaTensor, statedBy: nil)
    }
    if let first = answers.first {
      noteUselessAlpha(first, entry)
      if first.source != .alphaTensor, first.scale != 1 {
        let place = first.source == .header ? "the header" : StatedScales.shared.configurationName
        let isKnown = onlyStated[component]?.contains { $0 == (first.scale, place) } == true
        if !isKnown { onlyStated[component, default: []].append((first.scale, place)) }
      }
      compare(answers, entry)
      return FoundScale(
        scale: first.scale, source: first.source,
        statedBy: first.source == .alphaTensor ? nil : first.name)
    }
    if let assumedAlpha {
      return FoundScale(
        scale: assumedAlpha / Double(rank), source: .given, statedBy: "the alpha that was given")
    }
    assumed[component, default: (0, nil)].count += 1
    assumed[component]?.copied = copiedAlpha.map { "\($0.alpha.plain)" }
    return FoundScale(scale: 1, source: .assumed, statedBy: nil)
  }

  /// The rank that PEFT's description gives a module whose factors have none: its scale is alpha / rank
  /// also where both factors of a LoKr are whole.
  ///
  /// Source: huggingface/peft, `tuners/lokr/layer.py`, `get_delta_weight`.
  private func statedRank(of entry: AdapterFile.Entry) -> Int? {
    guard let path = entry.describedPath else { return nil }
    return (statements[entry.component] ?? []).lazy.filter { !$0.isSingleKey }
      .compactMap { $0.header.rank(of: path) }.first
  }

  private mutating func noteUselessAlpha(_ answer: Answer, _ entry: AdapterFile.Entry) {
    if answer.scale <= 0, let rank = entry.rank {
      // The alpha tensor's own number, not one that went through the rank.
      let alpha = entry.alpha?.scalar ?? answer.scale * Double(rank)
      note(.uselessAlpha(name: entry.name, alpha: alpha), component: entry.component)
    }
  }

  /// Names the answers that differ from the first, and the ranks that aren't the tensors'.
  private mutating func compare(_ answers: [Answer], _ entry: AdapterFile.Entry) {
    for other in answers.dropFirst() {
      let (first, second) = (answers[0].scale, other.scale)
      guard abs(first - second) > 1e-6 * max(abs(first), abs(second)) else { continue }
      note(
        .contradiction(
          name: entry.name,
          detail: "scale \(first.plain) from \(answers[0].name), \(second.plain) from \(other.name)"
            + ": take out the one that isn't true"),
        component: entry.component)
    }
  }

  private struct BadAlpha: Error {
    let found: String
  }

  /// All answers for a module, the one that counts first.
  private mutating func answers(
    _ entry: AdapterFile.Entry, rank: Int
  ) throws(BadAlpha) -> [Answer] {
    var answers: [Answer] = []
    if let alpha = entry.alpha, entry.rank != nil {
      guard let value = alpha.scalar, value.isFinite else {
        throw BadAlpha(
          found: alpha.elementCount == 1
            ? alpha.scalar.map { "\($0)" } ?? alpha.dtype.rawValue
            : "\(alpha.elementCount) values")
      }
      answers.append(
        Answer(scale: value / Double(rank), name: "its alpha tensor", source: .alphaTensor))
    }
    for statement in statements[entry.component] ?? [] {
      guard let path = entry.describedPath else { continue }
      let declared = statement.header.rank(of: path)
      var divisor = rank
      if statement.isSingleKey, let declared, declared > 0, entry.alpha != nil {
        // What fuses modules changes their ranks and alphas, and not their scale.
        divisor = declared
      } else if let declared, declared != rank {
        note(
          .contradiction(
            name: entry.name,
            detail: "rank \(rank) in the tensors, \(declared) in \(statement.name)"),
          component: entry.component)
      }
      answers.append(
        Answer(
          scale: statement.header.scale(of: path, rank: divisor), name: statement.name,
          source: statement.source))
    }
    if answers.isEmpty, let copied = copiedAlpha {
      // Equal alpha and rank mean scale 1, with the scale in the factors or not.
      let isOwn = StatedScales.shared.copied.belongs(to: entry)
      let isOfThisRank = copied.rank == nil || copied.rank == rank
      let scale = copied.alpha / Double(copied.rank ?? rank)
      if scale == 1 || (isOwn && isOfThisRank) {
        answers.append(
          Answer(
            scale: scale, name: "the header's '\(StatedScales.shared.copied.alpha)'",
            source: .header))
      }
    }
    return answers
  }

  /// The alpha that converters copy, and the rank that it belongs to.
  private var copiedAlpha: (alpha: Double, rank: Int?)? {
    let keys = StatedScales.shared.copied
    guard let alpha = metadata.number(of: keys.alpha) else { return nil }
    let rank = metadata.number(of: keys.rank).flatMap { Int(exactly: $0) }
    return (alpha, rank.flatMap { $0 > 0 ? $0 : nil })
  }
}

/// What a module's scale was found to be; no number where its alpha is none.
private struct FoundScale {
  let scale: Double?
  let source: AdapterModule.ScaleSource
  let statedBy: String?
}

extension AdapterFile.Entry {
  fileprivate mutating func take(_ found: FoundScale?) {
    guard let found else { return }
    scale = found.scale
    scaleSource = found.source
    scaleStatedBy = found.statedBy
  }

  /// The path that patterns of a description match: the file's own where it has dots.
  fileprivate var describedPath: String? {
    let (prefix, path) = fileName
    return prefix.separator == "." ? path : paths.first
  }
}
