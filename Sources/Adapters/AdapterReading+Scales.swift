internal import Checkpoints
internal import JSON
internal import Safetensors
internal import Tensors

extension AdapterReading {
  /// Finds every module's scale: its alpha tensor, else the header, else alpha = rank.
  ///
  /// - Parameter configuration: the adapter_config.json beside the file, where there is one.
  mutating func readScales(configuration: JSONValue?) {
    readHeaders(configuration: configuration)
    var assumed: [String: Int] = [:]
    var onlyInHeader: [String: Set<Double>] = [:]
    for position in entries.indices {
      guard let rank = entries[position].rank, rank > 0 else { continue }
      let component = entries[position].component
      var inHeader: Double?
      if let header = headers[component], let path = entries[position].describedPath {
        inHeader = header.scale(of: path, rank: rank)
        compareRanks(rank, header.rank(of: path), position: position)
      }
      if let alpha = entries[position].alpha {
        readAlpha(alpha, position: position, rank: rank, inHeader: inHeader)
      } else if let inHeader {
        entries[position].scale = inHeader
        entries[position].scaleSource = .header
        if inHeader != 1 { onlyInHeader[component, default: []].insert(inHeader) }
        if inHeader <= 0 {
          let alpha = inHeader * Double(rank)
          note(.uselessAlpha(name: entries[position].name, alpha: alpha), component: component)
        }
      } else {
        entries[position].scale = 1
        entries[position].scaleSource = .assumed
        assumed[component, default: 0] += 1
      }
    }
    for (component, count) in assumed.sorted(by: { $0.key < $1.key }) {
      note(.alphaAssumed(moduleCount: count), component: component)
    }
    for (component, scales) in onlyInHeader.sorted(by: { $0.key < $1.key }) {
      for scale in scales.sorted() {
        note(.scaleOnlyInHeader(scale: scale), component: component)
      }
    }
  }

  private mutating func compareRanks(_ rank: Int, _ declared: Int?, position: Int) {
    guard let declared, declared != rank else { return }
    note(
      .contradiction(
        name: entries[position].name,
        detail: "rank \(rank) in the tensors, \(declared) in what describes the adapter"),
      component: entries[position].component)
  }

  private mutating func readAlpha(
    _ alpha: TensorView, position: Int, rank: Int, inHeader: Double?
  ) {
    let (name, component) = (entries[position].name, entries[position].component)
    entries[position].scaleSource = .alphaTensor
    guard let value = alpha.scalar, value.isFinite else {
      let found =
        alpha.elementCount == 1
        ? alpha.scalar.map { "\($0)" } ?? alpha.dtype.rawValue
        : "\(alpha.elementCount) values"
      return note(.badAlpha(name: name, found: found), component: component)
    }
    if value <= 0 { note(.uselessAlpha(name: name, alpha: value), component: component) }
    let scale = value / Double(rank)
    entries[position].scale = scale
    if let inHeader, abs(inHeader - scale) > 1e-6 * max(abs(scale), abs(inHeader)) {
      note(
        .contradiction(
          name: name,
          detail: "scale \(scale) from its alpha, \(inHeader) from what describes the adapter"),
        component: component)
    }
  }

  private mutating func readHeaders(configuration: JSONValue?) {
    let text = metadata.value(of: AdapterHeader.metadataKey)
    let components = Set(entries.map(\.component) + [AdapterFile.transformer]).sorted()
    for component in components {
      let key = text == nil ? "adapter_config.json" : AdapterHeader.metadataKey
      do throws(AdapterHeader.Malformed) {
        if let text {
          headers[component] = try AdapterHeader(parsing: text, prefix: component + ".")
        } else if let configuration, component == AdapterFile.transformer {
          headers[component] = try AdapterHeader(configuration, prefix: "")
        }
      } catch { note(.badHeader(detail: "\(key): \(error.detail)"), component: component) }
      let isThere = methods.contains { $0.title.utf8HasPrefix("DoRA") }
      if headers[component]?.usesDoRA == true, !isThere {
        note(.otherMethod(method: "DoRA", keyCount: 1, example: key), component: component)
      }
    }
  }
}

extension AdapterFile.Entry {
  /// The path that patterns of a description match: the file's own where it has dots.
  fileprivate var describedPath: String? {
    let (prefix, path) = fileName
    return prefix.separator == "." ? path : paths.first
  }
}
