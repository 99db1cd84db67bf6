import AdapterAlgebra
import Adapters
import Checkpoints
import Inspection
import JSON
import Rewriting
import SystemPackage
import Tensors
import TestSupport
import Testing

/// Whatever form weights are stored in, they are compared, measured and extracted from as the numbers
/// that they stand for. The widened files are the converter's, whose bytes are held against recordings
/// of other programs.
@Suite("Stored forms mean the same numbers")
struct StoredFormsTests {
  private let forms: StoredForms

  init() throws { forms = try StoredForms() }

  private func difference(_ path: FilePath, _ other: FilePath) throws -> JSONValue {
    let inspection = try Inspected(of: path)
    var details = InspectionDetails()
    details.difference = try inspection.difference(from: Inspected(of: other))
    return try #require(inspection.json(details)["diff"])
  }

  @Test("to --diff: none from the widened file", arguments: StoredForms.Form.allCases)
  func widened(form: StoredForms.Form) throws {
    let path = try forms.written(form)
    for (layout, way) in [("diffusers", "modules"), ("bfl", "names")] {
      let diff = try difference(path, forms.widened(path, layout: layout))
      #expect(diff["compared_by"]?.string == way)
      #expect(diff["same_numbers"] == true && diff["identical"] == false)
      for key in ["added", "removed", "changed"] { #expect(diff[key] == [], "\(key)") }
      let total = try #require(diff["total"])
      #expect(total["max"]?.double == 0 && total["norm"]?.double == 0)
      #expect(total["unequal"] == 0 && total["relative"]?.double == 0)
      let others = diff["stored_otherwise"]?.array ?? []
      let name = layout == "bfl" ? "double_blocks.0.img_mlp.0.weight" : "proj_out.weight"
      let entry = try #require(others.first { $0["name"]?.string == name })
      #expect(entry["other_dtype"] == "F32" && entry["other_scaled"] == false)
      if layout == "bfl" { #expect(entry["dtype"]?.string == form.dtype) }
      if layout == "bfl" { #expect(entry["scaled"]?.bool == form.isScaled) }
      #expect((diff["notes"]?.array ?? []).count == (form.isScaled ? 1 : 0))
    }
  }

  @Test("to --diff: from another checkpoint as far as the widened file")
  func distances() throws {
    for form in StoredForms.Form.allCases {
      let path = try forms.written(form)
      let found = try difference(path, forms.base)
      let expected = try difference(forms.widened(path, layout: "diffusers"), forms.base)
      let changes = found["changed"]?.array ?? []
      #expect(changes.count == expected["changed"]?.array?.count && changes.count > 40)
      for change in expected["changed"]?.array ?? [] {
        let same = try #require(changes.first { $0["name"] == change["name"] }?["difference"])
        let other = try #require(change["difference"])
        #expect(same["max"] == other["max"] && same["unequal"] == other["unequal"])
        // Sums of squares in double precision, in another order where halves change places.
        for key in ["norm", "relative"] {
          let (value, wanted) = (same[key]?.double ?? .nan, other[key]?.double ?? 0)
          #expect(abs(value - wanted) <= 1e-14 * wanted, "\(form) \(change["name"] ?? "")")
        }
      }
      forms.folder.remove("wideneddiffusers.safetensors")
    }
  }

  @Test("to --stats", arguments: StoredForms.Form.allCases)
  func statistics(form: StoredForms.Form) throws {
    let path = try forms.written(form)
    let found = try Inspected(of: path).statistics(matching: "*")
    let expected = try Inspected(of: forms.widened(path)).statistics(matching: "*")
    #expect(expected.count == 52)
    for read in expected {
      let same = try #require(found.first { $0.tensor.name == read.tensor.name })
      #expect(same.statistics == read.statistics, "\(read.tensor.name)")
    }
    let name = "double_blocks.0.img_mlp.0.weight"
    let storage = found.first { $0.tensor.name == name }?.storage
    #expect(storage == form.dtype + (form.isScaled ? " scaled" : ""))
  }

  @Test("to --against, whose numbers nobody asks for", arguments: StoredForms.Form.allCases)
  func fit(form: StoredForms.Form) throws {
    let path = try forms.written(form)
    for (inspected, base) in [(path, forms.base), (forms.base, path)] {
      let fit = try Inspected(of: inspected).fit(Inspected(of: base))
      guard case .checkpoint(let fit) = fit else { Issue.record("no checkpoint"); return }
      #expect(fit.fits && fit.isByModules)
      #expect(fit.matchedCount == 66 && fit.tensorCount == 66)
    }
  }

  @Test("to --extract, bit for bit", arguments: StoredForms.Form.allCases)
  func extraction(form: StoredForms.Form) throws {
    let path = try forms.written(form)
    func extracted(_ tuned: FilePath) throws -> (adapter: Adapter, report: ExtractionReport) {
      try #require(
        try Adapter.extracted(
          base: OpenedCheckpoint(opening: forms.base), tuned: OpenedCheckpoint(opening: tuned),
          ExtractionOptions(rank: 2)))
    }
    let found = try extracted(path)
    let expected = try extracted(forms.widened(path, layout: "diffusers"))
    #expect(found.adapter.modules.count > 20)
    #expect(found.adapter.modules.map(\.path) == expected.adapter.modules.map(\.path))
    for (module, same) in zip(found.adapter.modules, expected.adapter.modules) {
      #expect(module.down.floats() == same.down.floats(), "\(module.path)")
      #expect(module.up.floats() == same.up.floats(), "\(module.path)")
    }
    #expect(found.report.baseNorms == expected.report.baseNorms)
    #expect(found.report.leftOut == expected.report.leftOut)
  }
}

extension StoredForms.Form {
  /// How the first matrix of an MLP is stored.
  var dtype: String {
    switch self {
    case .bfl, .compressed, .delta: "BF16"
    case .fp8, .scaled1, .scaled2, .musubi: "F8_E4M3"
    case .q8: "Q8_0"
    }
  }

  var isScaled: Bool { [.scaled1, .scaled2, .musubi].contains(self) }
}
