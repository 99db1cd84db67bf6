internal import Elements
internal import JSON
internal import Tensors

extension StorageRule {
  /// Whether a layer's note says what those of this form do.
  func saysSame(_ note: StorageNotes.Note?) -> Bool {
    guard let own = self.note else { return note?.object["format"] == nil }
    guard let note else { return false }
    return own.allSatisfy { note[$0.key] == $0.value || $0.value == false && note[$0.key] == nil }
  }

  /// Whether a module is stored so.
  func fits(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ note: StorageNotes.Note?,
    _ marker: String?, _ method: String?, unseen: String?
  ) -> Bool {
    guard saysSame(note) else { return false }
    if let own = self.method, method != own { return false }
    if let own = self.marker {
      guard let marker, StoredName(marker).name == own else { return false }
    }
    guard dtypes.isEmpty || dtypes.contains(weight.description.dtype) else { return false }
    for (name, dtypes) in needs {
      guard let found = group.member(name),
        dtypes.isEmpty || dtypes.contains(found.description.dtype)
      else { return false }
    }
    guard form.isRead else { return true }
    // What is read must be understood to the last tensor.
    let plain = Recognition.shared.storageWords.plainParameters
    return group.members.allSatisfy { member in
      member.tensor == weight.tensor || plain.contains(member.name) || also.contains(member.name)
        || member.name == unseen
        || needs.contains { $0.name == member.name }
    }
  }

  /// What config.json says of a layer that it doesn't say of those of this form; nil where there is nothing such.
  func otherwiseSaid(of path: String, _ statement: QuantizationStatement?) -> String? {
    for (key, values) in self.statement {
      let value = statement?.value(key, ofLayer: path) ?? .null
      if values.contains(value) { continue }
      let place = statement?.place ?? "config.json"
      return value == .null
        ? "\(place) doesn't say which '\(key)' it has" : "\(place) says '\(key)': \(value.text())"
    }
    return nil
  }

  /// Whether a layer's description says what it says of those of this form.
  func isDescribed(by found: StorageNotes.Note?) -> Bool {
    description.allSatisfy { found?[$0.key] == $0.value }
      && unlisted.allSatisfy { found?[$0.key]?.array?.contains(.string($0.text)) != true }
  }

  /// The same for a layer that isn't read: that of the model where neither its tensors nor config.json tell it,
  /// and without sizes where nothing does.
  func knownShape(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ found: StorageNotes.Note?,
    _ model: [Int?]?, _ statement: QuantizationStatement?
  ) -> [Int]? {
    if shape == .codes { return nil }
    let own = try? weightShape(group, weight, found, model, codes: form.codes?.usual).shape
    if let told = own ?? statedShape(group, weight, statement) { return told }
    let sizes = model?.compactMap(\.self) ?? []
    return sizes.count == model?.count ? sizes : []
  }

  /// The shape that follows from how many bits config.json says an element takes, where there is a factor for every row
  /// or several; nil where that isn't so.
  private func statedShape(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ statement: QuantizationStatement?
  ) -> [Int]? {
    guard let bitsKey, let type = statement?.value(bitsKey, ofLayer: group.path)?.string,
      let bits = QuantizationStatement.bits(type), bits > 0,
      let factors = needs.first.flatMap({ group.member($0.name) })?.description.shape,
      factors.count > 1, factors[0] > 1,
      let bytes = weight.description.dtype.byteCount(shape: weight.description.shape)
    else { return nil }
    let (count, rest) = (bytes * 8).quotientAndRemainder(dividingBy: bits)
    return rest == 0 && count % factors[0] == 0 ? [factors[0], count / factors[0]] : nil
  }

  /// How the codes of a layer stand for its weight.
  ///
  /// - Parameters:
  ///   - group: the layer's tensors.
  ///   - weight: that with the codes.
  ///   - found: the layer's description.
  ///   - model: the shape that the weight has in the model, as far as that is known.
  ///   - codes: how codes are packed.
  /// - Returns: the weight's shape where that of the codes doesn't tell it, nil where it does, and the order of codes.
  /// - Throws: ``UnreadLayer`` where nothing tells the shape, or what does is contradicted.
  func weightShape(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ found: StorageNotes.Note?,
    _ model: [Int?]?, codes: BlockType?
  ) throws(UnreadLayer) -> (shape: [Int]?, order: CodeOrder) {
    switch shape {
    case .codes: return (nil, .rows)
    case .free:
      guard let shape = found?.shape else { throw UnreadLayer("without the shape of the weight") }
      return (shape, .rows)
    case .rows:
      let factors = form.scales.first.flatMap { group.member($0.rule.name) }?.description
      let (own, bits) = (weight.description, weight.description.dtype.bitCount)
      if let factors, factors.shape.count == 2, factors.shape[0] == 1, factors.shape[1] > 1,
        own.shape.count == 2, own.shape[1] == factors.shape[1], bits == 8,
        codes.map({ $0.elementCount == $0.byteCount }) ?? true
      {
        return ([own.shape[1], own.shape[0]], .transposed)
      }
      // Of groups of several bytes there is a row of codes for each.
      let groupBytes = codes?.byteCount ?? 1
      let elements = (own.shape.elementCount / groupBytes)
        .multipliedReportingOverflow(by: codes.map { bits / 8 * $0.elementCount } ?? 1)
      guard let factors, let rows = factors.shape.first, rows > 0, factors.shape.count <= 3,
        own.shape.count <= 3,
        groupBytes > 1
          ? own.shape.dropFirst() == [groupBytes] : own.shape.count == 1 || own.shape[0] == rows,
        own.shape.count < 3 || [1, own.shape[1]].contains(factors.shape.dropFirst().first ?? 1),
        !elements.overflow, elements.partialValue % rows == 0
      else {
        throw UnreadLayer(
          "with factors \(factors?.shape ?? []) that are none of its rows \(own.shape)")
      }
      return ([rows, elements.partialValue / rows], .rows)
    case .planes:
      let (shape, runs) = try planeShape(group, weight, model)
      return (shape, .planes(runs: runs))
    }
  }

  /// The shape of a weight whose runs of elements each have a factor, and how many these are. There are as many rows
  /// as biases; without these the model tells its rows, or its columns.
  private func planeShape(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ model: [Int?]?
  ) throws(UnreadLayer) -> (shape: [Int], runs: Int) {
    let (codes, factors) = (weight.description.shape, form.scales.first.map(\.rule.name))
    guard let found = factors.flatMap(group.member)?.description.shape, codes.count == 2,
      found.count <= 2, let runs = found.first, found.elementCount == runs
    else { throw UnreadLayer("without a factor for every run of codes \(codes)") }
    let elements = runs.multipliedReportingOverflow(by: codes[1])
    let model = model?.count == 2 ? model : nil
    let rows =
      group.member("bias")?.description.shape.first ?? model?[0]
      ?? model?[1].flatMap { $0 > 0 ? elements.partialValue / $0 : nil }
    guard let rows, rows > 0 else {
      throw UnreadLayer(
        "without a bias, and of no model that is known, which would tell how many rows it has")
    }
    guard !elements.overflow, elements.partialValue % rows == 0, elements.partialValue > 0,
      elements.partialValue / rows % codes[1] == 0,
      StoredPlanes.bits(ofCodes: codes, runs: runs) != nil
    else {
      throw UnreadLayer(
        "with \(runs) factors for codes \(codes), which are no planes of four or two bits for \(rows) rows"
      )
    }
    return ([rows, elements.partialValue / rows], runs)
  }
}

/// Codes in planes.
enum StoredPlanes {
  /// How many bits each has.
  ///
  /// - Parameters:
  ///   - codes: the shape of the bytes.
  ///   - runs: how many rows of codes these hold.
  /// - Returns: 4 or 2; nil where the shape doesn't tell.
  static func bits(ofCodes codes: [Int], runs: Int) -> Int? {
    let found = [4, 2].filter { bits in (runs + 8 / bits - 1) / (8 / bits) == codes.first }
    return found.count == 1 ? found[0] : nil
  }
}

extension StorageNotes.Note {
  /// The shape that the weight has when it is unpacked, where it is said and can be.
  var shape: [Int]? {
    guard let sizes = object["shape"]?.array else { return nil }
    let shape = sizes.compactMap(\.integer)
    return shape.count == sizes.count && DType.f64.byteCount(shape: shape) != nil ? shape : nil
  }
}

extension ScaleEntry {
  /// What is to be done in one layer.
  func resolved(
    _ path: String, codes: [Int], _ description: StorageNotes.Note?,
    _ statement: QuantizationStatement?
  ) throws(UnreadLayer) -> LayerScale {
    var rule = rule
    if hasRunsOfCodes {
      rule = rule.tiled(.init(rows: 1, columns: codes.last ?? 1, isSaid: true))
    } else if let tileKey, let groups = statement?.groups {
      rule = rule.tiled(try groups.tile(tileKey, ofLayer: path))
    } else if let tileKey,
      let said = description?[tileKey] ?? statement?.value(tileKey, ofLayer: path)
    {
      let isOneForAll = said == .null || said.array?.isEmpty == true
      let tile = ScaleRule.Tile(sizes: said, isSaid: true)
      if tile == nil, !isOneForAll {
        throw UnreadLayer("whose '\(tileKey)' is \(said.text()), expected rows and columns")
      }
      rule = rule.tiled(tile)
    }
    guard let nested else { return LayerScale(rule: rule, nested: nil) }
    guard let run = description?[nested.run]?.integer, run > 0,
      let offset = description?[nested.offset]?.double, Float(offset).isFinite
    else {
      throw UnreadLayer("without '\(nested.run)' and '\(nested.offset)' of its factors")
    }
    return LayerScale(
      rule: rule,
      nested: .init(
        table: nested.table, factors: nested.factors, run: run, offset: Float(offset)))
  }
}

/// Why a layer of a form that is read can't be.
struct UnreadLayer: Error {
  let reason: String

  init(_ reason: String) { self.reason = reason }
}
