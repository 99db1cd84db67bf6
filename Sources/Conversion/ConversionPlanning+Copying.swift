internal import Checkpoints
internal import SystemPackage

extension ConversionPlanning {
  /// Whether a request leaves every tensor as it is stored, under the layout's own names.
  static func copiesBytes(
    _ request: ConversionRequest, _ input: CheckpointInput, _ wanted: String?,
    _ changedModules: Set<String>
  ) -> Bool {
    guard request.dtype == nil, request.scaled == nil, changedModules.isEmpty,
      request.gguf == nil, request.output.extension != "gguf"
    else { return false }
    guard let wanted else { return true }
    let description = input.description
    guard let layout = description.family?.layouts.first(where: { $0.name == wanted }),
      layout.namesOf == description.layout?.namesOf
    else { return false }
    // Layers that can't be taken apart need not be.
    if description.weights.forms(under: description.prefix).contains(where: { !$0.form.isRead }) {
      return true
    }
    return request.unknown == .keep
      && description.prefix.utf8.elementsEqual((request.prefix ?? layout.prefix).utf8)
  }
}
