internal import Elements
internal import Tensors
internal import Text

/// The tensors that mark components of ComfyUI's first form of scaled weights: one for each component
/// that has such weights. Two elements ask programs to multiply in full precision, none asks for
/// nothing.
///
/// Source: Comfy-Org/ComfyUI, `comfy/utils.py`, `convert_old_quants`.
struct ScaleMarkers {
  private var components: [Component] = []

  private struct Component {
    let prefix: String
    let dtype: DType
    /// The input's marker.
    var own: TensorView?
    /// Whether full precision was asked for, by layers of the input.
    var wishes: Set<Bool>

    /// Whether a marker of that type tells the codes' type: F32 stands for the usual one.
    func isSaid(by marker: DType) -> Bool {
      marker == dtype || marker == .f32 && dtype == .f8E4M3
    }
  }

  /// Notes a layer that is stored in the first form.
  ///
  /// - Parameters:
  ///   - sides: what its parts had in the input; none for one that is new.
  ///   - dtype: of its codes.
  ///   - prefixes: what stands before the names of the input's subject, and of the output.
  mutating func add(
    _ sides: [StoredSide], _ dtype: DType, _ prefixes: (input: String, output: String)
  ) {
    let own = sides.lazy.compactMap(\.marker).first
    let named = sides.lazy.compactMap(\.markerPrefix).first
    let isOther = named.map { !$0.sameBytes(as: prefixes.input) } ?? false
    let prefix = isOther ? named ?? "" : prefixes.output
    let wishes = Set(sides.compactMap(\.fullPrecision))
    if let known = components.firstIndex(where: { $0.prefix.sameBytes(as: prefix) }) {
      components[known].wishes.formUnion(wishes)
      components[known].own = components[known].own ?? own
    } else {
      components.append(Component(prefix: prefix, dtype: dtype, own: own, wishes: wishes))
    }
  }

  /// Whether the component of these names is marked.
  func mark(_ prefix: String) -> Bool {
    components.contains { $0.prefix.sameBytes(as: prefix) }
  }

  /// The marker of each component.
  var tensors: [PlannedTensor] {
    components.map { component in
      let name = component.prefix + StoredSide.markerName
      if let own = component.own, component.wishes.count == 1, component.isSaid(by: own.dtype) {
        return PlannedTensor(
          name: name, shape: own.shape, origin: .elements([TensorPiece(own)], .copy))
      }
      // Codes that are new have no scales of inputs, so that only full precision loses nothing.
      let count =
        component.wishes.isEmpty || component.wishes.contains(true)
        ? StoredSide.fullPrecisionCount : 0
      return PlannedTensor(
        name: name, shape: [count],
        origin: .bytes(Array(repeating: 0, count: count), component.dtype))
    }
  }

  /// What a person should know.
  var notes: [String] {
    components.filter { $0.wishes.count > 1 }.map {
      "'\($0.prefix)\(StoredSide.markerName)' asks for full precision in every layer, because the "
        + "first form can't ask for it layer by layer, as the input does"
    }
  }
}
