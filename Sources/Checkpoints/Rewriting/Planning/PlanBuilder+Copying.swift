internal import Checkpoints
internal import Elements
internal import SystemPackage
internal import Tensors

extension PlanBuilder {
  /// Whether a request leaves every tensor as it is stored, under the layout's own names.
  static func copiesBytes(
    _ request: RewritingRequest, _ input: OpenedCheckpoint, _ wanted: String?,
    _ changedParameters: Set<String>
  ) -> Bool {
    guard !request.form.changesElements, changedParameters.isEmpty,
      request.output.extension != "gguf"
    else { return false }
    guard let wanted else { return true }
    let description = input.description
    guard let layout = description.layouts.first(where: { $0.name == wanted }),
      layout.namesOf == description.layout?.namesOf
    else { return false }
    // Layers that can't be taken apart need not be.
    if description.weights.forms(under: description.prefix).contains(where: { !$0.form.isRead }) {
      return true
    }
    return request.unknown == .keep
      && description.prefix.utf8.elementsEqual((request.prefix ?? layout.prefix).utf8)
  }

  /// Refuses tensors that would be put together from parts of several types where one isn't read:
  /// such parts can only be copied, and one tensor has one type.
  func requireOneType(_ tensors: [Arrangement.Entry]) throws {
    for tensor in tensors where !tensor.weight.isFloating && tensor.weight.dtype == nil {
      guard let unread = tensor.weight.pieces.first(where: { !$0.tensor.dtype.isWidenable }),
        let other = tensor.weight.pieces.first(where: { $0.tensor.dtype != unread.tensor.dtype })
      else { continue }
      throw RewritingError.unsupported(
        file: input.path,
        detail: "tensor '\(unread.tensor.name)' (\(unread.tensor.dtype.rawValue)) can't be put "
          + "together with '\(other.tensor.name)' (\(other.tensor.dtype.rawValue)) into "
          + "'\(tensor.name)': its numbers are not read; keep the layout, or convert it with the "
          + "program that wrote it")
    }
  }
}
