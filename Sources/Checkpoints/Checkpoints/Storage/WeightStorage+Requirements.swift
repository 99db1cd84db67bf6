public import SystemPackage
internal import Tensors

/// What may be done with stored weights.
extension WeightStorage {
  /// Refuses layers whose numbers can't be read: for whatever widens, rounds, adds or compares them.
  /// Copying their bytes needs none of it.
  ///
  /// - Parameters:
  ///   - file: what error messages name.
  ///   - prefix: which layers are asked about.
  /// - Throws: ``CheckpointError/storedOtherwise(file:detail:)``, which names the codes and what stands
  ///   beside them.
  public func requireNumbers(
    in file: FilePath, under prefix: String = ""
  ) throws {
    try refuse(layers(under: prefix).filter { !$0.form.isRead }, in: file)
  }

  /// Refuses tensors that are codes of, or belong to, layers whose numbers can't be read.
  ///
  /// - Throws: as ``requireNumbers(in:under:)`` does.
  public func requireNumbers(
    in file: FilePath, of names: some Sequence<String>
  ) throws {
    let unread = layers.filter { !$0.form.isRead }
    if unread.isEmpty { return }
    let index = TensorIndex(names)
    try refuse(
      unread.filter { layer in
        index[layer.weight] != nil || layer.helpers.contains { index[$0] != nil }
      }, in: file)
  }

  private func refuse(_ layers: [StoredLayer], in file: FilePath) throws {
    guard let first = layers.first else { return }
    let alike = layers.count { $0.form == first.form }
    throw CheckpointError.storedOtherwise(
      file: file,
      detail: Self.text(first, of: alike)
        + ", whose numbers are not read; its bytes can be copied; " + first.form.advice)
  }

  private static func text(_ layer: StoredLayer, of count: Int) -> String {
    "\(layer)" + (count > 1 ? ", as \(count - 1) more are" : "")
  }

  /// Layers whose numbers are not read, a sentence for each form, and whether it is one that would be read if config.json
  /// said something else of these layers.
  public func unreadForms(under prefix: String = "") -> [(text: String, isStated: Bool)] {
    var firsts: [(layer: StoredLayer, count: Int)] = []
    for layer in layers(under: prefix) where !layer.form.isRead {
      if let known = firsts.firstIndex(where: { $0.layer.form == layer.form }) {
        firsts[known].count += 1
      } else {
        firsts.append((layer, 1))
      }
    }
    return firsts.map { layer, count in
      (
        Self.text(layer, of: count) + ": the bytes can be copied, the numbers are not read",
        layer.form.unreadStatement != nil
      )
    }
  }
}
